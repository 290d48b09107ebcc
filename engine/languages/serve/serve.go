// Package serve has what the stand-in language hosts share: the gRPC server, and programs that run as a process.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Host answers what every language host is asked, and is the same for all of them.
type Host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	// Engine is the engine's address.
	Engine string
}

// Language serves the host that make returns, until the engine is gone or interrupts it.
func Language(make func(Host) pulumirpc.LanguageRuntimeServer) {
	// The engine's address comes last, after the project's runtime options.
	engine := os.Args[len(os.Args)-1]
	done, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	cancel := newClosed(done)
	// An engine that was killed cannot stop its plugins.
	if err := rpcutil.Healthcheck(done, engine, time.Minute, stop); err != nil {
		cmdutil.Exit(fmt.Errorf("no engine at %s: %w", engine, err))
	}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, make(Host{Engine: engine}))
			return nil
		},
	})
	if err != nil {
		cmdutil.Exit(err)
	}
	fmt.Println(handle.Port) // the engine waits for this line
	if err := <-handle.Done; err != nil {
		cmdutil.Exit(err)
	}
}

func newClosed(done context.Context) chan bool {
	closed := make(chan bool)
	context.AfterFunc(done, func() { close(closed) })
	return closed
}

// Program runs a program's process. bailed is the exit code of one that has shown its error by itself.
func Program(command *exec.Cmd, environment []string, bailed int) *pulumirpc.RunResponse {
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case errors.As(err, &exit) && exit.ExitCode() == bailed:
		return &pulumirpc.RunResponse{Bail: true}
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program ended with %v", err)}
	}
}

// Environment hands project, stack and configuration to a program in the variables that the SDKs of Go and Java read.
func Environment(req *pulumirpc.RunRequest, engine string) ([]string, error) {
	config, secrets, err := Configuration(req.Config, req.ConfigSecretKeys)
	if err != nil {
		return nil, err
	}
	return []string{
		"PULUMI_PROJECT=" + req.Project, "PULUMI_STACK=" + req.Stack, "PULUMI_ORGANIZATION=" + req.Organization,
		"PULUMI_ROOT_DIRECTORY=" + req.Info.RootDirectory, config, secrets,
		fmt.Sprintf("PULUMI_DRY_RUN=%t", req.DryRun), fmt.Sprintf("PULUMI_PARALLEL=%d", req.Parallel),
		"PULUMI_MONITOR=" + req.MonitorAddress, "PULUMI_ENGINE=" + engine,
	}, nil
}

// Configuration returns the two variables that hold a stack's configuration, and which of it is secret.
func Configuration(values map[string]string, secretKeys []string) (string, string, error) {
	if values == nil {
		values = map[string]string{} // the SDKs cannot read null
	}
	config, err := json.Marshal(values)
	if err != nil {
		return "", "", err
	}
	secrets, err := json.Marshal(append([]string{}, secretKeys...))
	return "PULUMI_CONFIG=" + string(config), "PULUMI_CONFIG_SECRET_KEYS=" + string(secrets), err
}

// Bound returns the package of a request to generate an SDK, or what is wrong with its schema.
func Bound(req *pulumirpc.GeneratePackageRequest) (*schema.Package, *pulumirpc.GeneratePackageResponse, error) {
	loader, err := schema.NewLoaderClient(req.LoaderTarget)
	if err != nil {
		return nil, nil, err
	}
	defer loader.Close()
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(req.Schema), &spec); err != nil {
		return nil, nil, err
	}
	bound, diagnostics, err := schema.BindSpec(spec, schema.NewCachedLoader(loader),
		schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, nil, err
	}
	if diagnostics.HasErrors() {
		return nil, &pulumirpc.GeneratePackageResponse{
			Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(diagnostics),
		}, nil
	}
	return bound, nil, nil
}

// Write writes generated files into a directory.
func Write(directory string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// GetRequiredPackages names no packages: the engine looks for each plugin when a resource first asks for it.
func (Host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// InstallDependencies installs nothing: whoever runs a program here has installed what it needs.
func (Host) InstallDependencies(
	*pulumirpc.InstallDependenciesRequest, pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	return nil
}

// GetPluginInfo returns the release of Pulumi's SDK that the host is made of.
func (Host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// Handshake needs nothing of the engine.
func (Host) Handshake(
	context.Context, *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// RuntimeOptionsPrompts asks the user nothing.
func (Host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

// Link links nothing: `pulumi package add` prints how a program refers to the SDK that it has generated.
func (Host) Link(context.Context, *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	return &pulumirpc.LinkResponse{}, nil
}
