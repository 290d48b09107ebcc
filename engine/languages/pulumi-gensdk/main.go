// pulumi-gensdk generates SDKs from a schema without an engine: pulumi-gensdk SCHEMA DIRECTORY.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gocodegen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"

	"translation-job-guard.example/languages/serve"
)

const tool = "pulumi-gensdk"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pulumi-gensdk SCHEMA DIRECTORY")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(path, directory string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(data, &spec); err != nil {
		return err
	}
	// The schema refers to no other package, so nothing has to be loaded.
	bound, diagnostics, err := schema.BindSpec(spec, schema.NewCachedLoader(nil), schema.ValidationOptions{})
	if err != nil {
		return err
	}
	if diagnostics.HasErrors() {
		return diagnostics
	}
	generators := map[string]func() (map[string][]byte, error){
		"nodejs": func() (map[string][]byte, error) {
			return nodejs.GeneratePackage(tool, bound, nil, nil, false, nil)
		},
		"go":     func() (map[string][]byte, error) { return gocodegen.GeneratePackage(tool, bound, nil) },
		"python": func() (map[string][]byte, error) { return python.GeneratePackage(tool, bound, nil, nil) },
	}
	for language, generator := range generators {
		files, err := generator()
		if err != nil {
			return fmt.Errorf("%s: %w", language, err)
		}
		if err := serve.Write(filepath.Join(directory, language), files); err != nil {
			return err
		}
	}
	return nil
}
