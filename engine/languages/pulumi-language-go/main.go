// pulumi-language-go: a stand-in that builds and runs Pulumi programs in Go, and generates SDKs for them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	gocodegen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"translation-job-guard.example/languages/serve"
)

// neverBails: a Go program has no exit code for an error that has been shown.
const neverBails = -1

type host struct {
	serve.Host
}

func main() {
	serve.Language(func(shared serve.Host) pulumirpc.LanguageRuntimeServer { return &host{shared} })
}

func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	binary, _ := req.Info.GetOptions().AsMap()["binary"].(string)
	if binary == "" {
		directory, err := os.MkdirTemp("", "pulumi-go-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(directory)
		binary = filepath.Join(directory, "program")
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, req.Info.EntryPoint)
		build.Dir = req.Info.ProgramDirectory
		if output, err := build.CombinedOutput(); err != nil {
			return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program could not be built: %v\n%s", err, output)}, nil
		}
	}
	environment, err := serve.Environment(req, h.Engine)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, binary)
	command.Dir = req.Info.ProgramDirectory
	return serve.Program(command, environment, neverBails), nil
}

// GeneratePackage generates an SDK, for `pulumi package add` and `pulumi package gen-sdk`.
func (h *host) GeneratePackage(
	_ context.Context, req *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	bound, refused, err := serve.Bound(req)
	if bound == nil {
		return refused, err
	}
	files, err := gocodegen.GeneratePackage("pulumi-language-go", bound, req.LocalDependencies)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GeneratePackageResponse{}, serve.Write(req.Directory, files)
}
