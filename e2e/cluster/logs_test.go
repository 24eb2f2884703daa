package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tokenText is how each JWT begins: the base64 of `{"` and more.
var tokenText = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{20,}\.`)

// noTokenInLogs looks for tokens, any and whoever's, in what kubemon's pods say,
// those before a restart too, and in what the lab's own processes and the nodes'
// consoles say.
func noTokenInLogs(ctx context.Context) error {
	texts, err := podLogs(ctx)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(theLab.Logs(), "*.log"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find the lab's logs: %d files, %w", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		texts[file] = string(text)
	}
	var found []error
	for name, text := range texts {
		if at := tokenText.FindStringIndex(text); at != nil {
			found = append(found, fmt.Errorf("the log of %s has a token: %.80q", name, text[max(0, at[0]-60):]))
		}
	}
	return errors.Join(found...)
}

// podLogs returns all that the containers of kubemon's pods have said, by name.
func podLogs(ctx context.Context) (map[string]string, error) {
	pods, err := kube.CoreV1().Pods("kubemon").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, pod := range pods.Items {
		text, err := kubectl(ctx, "", "logs", "--namespace=kubemon", pod.Name)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) == "" {
			return nil, fmt.Errorf("pod %s has said nothing: these are not its logs", pod.Name)
		}
		texts[pod.Name] = text
		if restarts(&pod) > 0 {
			before, err := kubectl(ctx, "", "logs", "--namespace=kubemon", "--previous", pod.Name)
			if err != nil {
				return nil, err
			}
			texts[pod.Name+" before"] = before
		}
	}
	return texts, nil
}
