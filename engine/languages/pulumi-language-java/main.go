// pulumi-language-java: a stand-in that runs Pulumi programs in Java by Maven, as Pulumi's own host does.
package main

import (
	"context"
	"os/exec"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"translation-job-guard.example/languages/serve"
)

// exitedAfterShowingError is how Pulumi's SDK for Java ends when the program's error has been shown.
const exitedAfterShowingError = 32

type host struct {
	serve.Host
}

func main() {
	serve.Language(func(shared serve.Host) pulumirpc.LanguageRuntimeServer { return &host{shared} })
}

func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	environment, err := serve.Environment(req, h.Engine)
	if err != nil {
		return nil, err
	}
	arguments := []string{"--quiet", "--no-transfer-progress", "compile", "exec:java"}
	if offline, _ := req.Info.GetOptions().AsMap()["offline"].(bool); offline {
		arguments = append([]string{"--offline"}, arguments...)
	}
	command := exec.CommandContext(ctx, "mvn", arguments...)
	command.Dir = req.Info.ProgramDirectory
	return serve.Program(command, environment, exitedAfterShowingError), nil
}
