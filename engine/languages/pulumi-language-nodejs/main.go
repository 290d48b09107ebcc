// pulumi-language-nodejs: a stand-in that runs Pulumi programs in TypeScript and JavaScript, and generates SDKs for them.
package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"translation-job-guard.example/languages/serve"
)

// exitedAfterShowingError is how Pulumi's runner for Node.js ends when the program's error has been shown.
const exitedAfterShowingError = 32

type host struct {
	serve.Host
}

func main() {
	serve.Language(func(shared serve.Host) pulumirpc.LanguageRuntimeServer { return &host{shared} })
}

func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	runner, err := find(req.Info.ProgramDirectory)
	if err != nil {
		return nil, err
	}
	arguments := []string{
		runner,
		"--monitor", req.MonitorAddress,
		"--engine", h.Engine,
		"--organization", req.Organization,
		"--project", req.Project,
		"--root-directory", req.Info.RootDirectory,
		"--stack", req.Stack,
		"--pwd", req.Info.ProgramDirectory,
		"--parallel", strconv.Itoa(int(req.Parallel)),
	}
	if req.DryRun {
		arguments = append(arguments, "--dry-run")
	}
	command := exec.CommandContext(ctx, "node", append(append(arguments, req.Info.EntryPoint), req.Args...)...)
	environment, err := configuration(req)
	if err != nil {
		return nil, err
	}
	if typescript, ok := req.Info.GetOptions().AsMap()["typescript"].(bool); !ok || typescript {
		environment = append(environment, "PULUMI_NODEJS_TYPESCRIPT=true")
	}
	return serve.Program(command, environment, exitedAfterShowingError), nil
}

// find returns the SDK's script that runs a program, from the nearest node_modules that has it, as Node.js would.
func find(directory string) (string, error) {
	for {
		runner := filepath.Join(directory, "node_modules", "@pulumi", "pulumi", "cmd", "run")
		if _, err := os.Stat(runner); err == nil {
			return runner, nil
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", errors.New("the program's node_modules has no @pulumi/pulumi: run `npm install`")
		}
		directory = parent
	}
}

// configuration has the stack's configuration by the names that the SDK for Node.js expects: namespace:config:name.
func configuration(req *pulumirpc.RunRequest) ([]string, error) {
	values := map[string]string{}
	for key, value := range req.Config {
		if namespace, name, ok := strings.Cut(key, ":"); ok {
			values[namespace+":config:"+name] = value
		}
	}
	config, secrets, err := serve.Configuration(values, req.ConfigSecretKeys)
	return []string{config, secrets}, err
}

// GeneratePackage generates an SDK, for `pulumi package add` and `pulumi package gen-sdk`.
func (h *host) GeneratePackage(
	_ context.Context, req *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	bound, refused, err := serve.Bound(req)
	if bound == nil {
		return refused, err
	}
	files, err := nodejs.GeneratePackage("pulumi-language-nodejs", bound, req.ExtraFiles, req.LocalDependencies,
		req.Local, nil)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GeneratePackageResponse{}, serve.Write(req.Directory, files)
}
