// pulumi-language-python runs Pulumi programs written in Python for an engine built from source. Pulumi's own host lives in
// a Go module that cannot be required from outside; this one is the same thin layer over the parts that can be: the SDK's
// toolchain package chooses the interpreter, and the SDK's pulumi-language-python-exec, expected beside this binary, runs the
// program. Policy packs and provider plugins written in Python run in the same interpreter as their project says. What it
// leaves out (code generation, conversion) answers Unimplemented, and dependencies are left to whoever made the environment.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// By this exit code pulumi-language-python-exec says that it has already shown the program's error to the user.
const exitedAfterShowingError = 32

// How long a program has to end by itself once the engine has no more use for it. One that waits for an answer never does, and
// the engine would wait five seconds for it after each failed update.
const patience = 500 * time.Millisecond

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine string
	// done ends when the engine interrupts the host and the program, or is gone.
	done context.Context
}

func main() {
	if len(os.Args) < 2 {
		cmdutil.Exit(errors.New("pulumi-language-python is started by the Pulumi engine, with the engine's address"))
	}
	// Before the address the engine repeats the project's runtime options; what counts are those that come with a request.
	engine := os.Args[len(os.Args)-1]

	done, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	cancel := make(chan bool)
	context.AfterFunc(done, func() { close(cancel) })
	// An engine that was killed cannot stop its plugins.
	if err := rpcutil.Healthcheck(done, engine, time.Minute, stop); err != nil {
		cmdutil.Exit(fmt.Errorf("no engine at %s: %w", engine, err))
	}

	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{engine: engine, done: done})
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

func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	python, err := pythonOf(req.Info)
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	executable, err = filepath.EvalSymlinks(executable)
	if err != nil {
		return nil, err
	}
	arguments := append([]string{
		"-u", filepath.Join(filepath.Dir(executable), "pulumi-language-python-exec"),
		"--monitor", req.MonitorAddress,
		"--engine", h.engine,
		"--project", req.Project,
		"--root_directory", req.Info.RootDirectory,
		"--stack", req.Stack,
		"--organization", req.Organization,
		"--pwd", req.Pwd,
		"--parallel", strconv.Itoa(int(req.Parallel)),
		"--dry_run", strconv.FormatBool(req.DryRun),
		filepath.Join(req.Info.ProgramDirectory, req.Info.EntryPoint),
	}, req.Args...)
	command, err := python.Command(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	environment, err := configEnvironment(req)
	if err != nil {
		return nil, err
	}
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env, environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr

	if err := command.Start(); err != nil {
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the Python program could not be started: %v", err)}, nil
	}
	unwatch := context.AfterFunc(h.done, func() {
		time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	})
	defer unwatch()
	err = command.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == exitedAfterShowingError:
		return &pulumirpc.RunResponse{Bail: true}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the Python program ended with %v", err)}, nil
	}
}

// RunPlugin runs a policy pack, or a provider plugin that is a folder with PulumiPlugin.yaml and __main__.py.
func (h *host) RunPlugin(req *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer) error {
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(&lockedStream{LanguageRuntime_RunPluginServer: stream}, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	if req.Kind == "analyzer" {
		return runPolicyPack(stream.Context(), req, stdout, stderr)
	}
	command, err := pluginCommand(stream.Context(), req, append([]string{"-u", req.Info.ProgramDirectory}, req.Args...))
	if err != nil {
		return err
	}
	command.Dir = req.Pwd
	command.Stdout, command.Stderr = stdout, stderr
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stream.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
		})
	}
	return err
}

// runPolicyPack starts a policy pack once the engine has told the proxy the stack's configuration, which pulumi.policy
// reads from its environment.
func runPolicyPack(ctx context.Context, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer) error {
	arguments := append(append([]string{"-u", "-m", "pulumi.policy"}, req.Args...), req.Info.ProgramDirectory)
	command, err := pluginCommand(ctx, req, arguments)
	if err != nil {
		return err
	}
	proxy, stdout, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return err
	}
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return err
	}
	if stack != nil {
		command.Env = append(command.Env, "PULUMI_ORGANIZATION="+stack.Organization, "PULUMI_PROJECT="+stack.Project,
			"PULUMI_STACK="+stack.Stack, "PULUMI_DRY_RUN="+strconv.FormatBool(stack.DryRun))
		if stack.Config != nil {
			config, err := json.Marshal(stack.Config)
			if err != nil {
				return err
			}
			command.Env = append(command.Env, "PULUMI_CONFIG="+string(config))
		}
	}
	command.Dir = req.Info.ProgramDirectory
	command.Stdout, command.Stderr = stdout, stderr
	if err := command.Start(); err != nil {
		return err
	}
	return proxy.Attach(ctx, command)
}

// pluginCommand prepares the plugin's interpreter, with the variables that the engine passes on.
func pluginCommand(ctx context.Context, req *pulumirpc.RunPluginRequest, arguments []string) (*exec.Cmd, error) {
	python, err := pythonOf(req.Info)
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	command, err := python.Command(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env, req.Env...)
	return command, nil
}

// lockedStream lets a plugin's stdout and stderr, which are copied side by side, share a stream that takes one sender.
type lockedStream struct {
	pulumirpc.LanguageRuntime_RunPluginServer
	lock sync.Mutex
}

func (s *lockedStream) Send(response *pulumirpc.RunPluginResponse) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.LanguageRuntime_RunPluginServer.Send(response)
}

// InstallDependencies installs nothing: a plugin runs in the virtual environment that its PulumiPlugin.yaml names. The engine
// asks for this before it runs a plugin from a folder.
func (h *host) InstallDependencies(
	*pulumirpc.InstallDependenciesRequest, pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	return nil
}

// GetRequiredPackages names no packages: the engine looks for each provider plugin when a resource first asks for it.
func (h *host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

func (h *host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

func (h *host) About(ctx context.Context, req *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	python, err := pythonOf(req.Info)
	if err != nil {
		return nil, err
	}
	info, err := python.About(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{Executable: info.PythonExecutable, Version: info.PythonVersion.String()}, nil
}

func (h *host) GetProgramDependencies(
	ctx context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, err := pythonOf(req.Info)
	if err != nil {
		return nil, err
	}
	packages, err := python.ListPackages(ctx, req.TransitiveDependencies)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, installed := range packages {
		response.Dependencies = append(response.Dependencies,
			&pulumirpc.DependencyInfo{Name: installed.Name, Version: installed.Version})
	}
	return response, nil
}

// pythonOf reads the runtime options `virtualenv` and `toolchain` of Pulumi.yaml.
func pythonOf(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	options := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	given := info.GetOptions().AsMap()
	if virtualenv, ok := given["virtualenv"].(string); ok {
		options.Virtualenv = virtualenv
	}
	switch name := given["toolchain"]; name {
	case nil, "", "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return nil, fmt.Errorf("unknown toolchain %v in Pulumi.yaml: use pip, poetry or uv", name)
	}
	return toolchain.ResolveToolchain(options)
}

// configEnvironment hands the stack's configuration to the program in the variables that the Python SDK reads.
func configEnvironment(req *pulumirpc.RunRequest) ([]string, error) {
	values, secretKeys := req.Config, req.ConfigSecretKeys
	if values == nil {
		values = map[string]string{} // the SDK cannot read null
	}
	if secretKeys == nil {
		secretKeys = []string{}
	}
	config, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	secrets, err := json.Marshal(secretKeys)
	if err != nil {
		return nil, err
	}
	return []string{"PULUMI_CONFIG=" + string(config), "PULUMI_CONFIG_SECRET_KEYS=" + string(secrets)}, nil
}
