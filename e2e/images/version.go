package images

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Version returns the version of the sources below root: the appVersion of
// charts/kubemon/Chart.yaml, which is the tag that the chart asks for.
func Version(root string) (string, error) {
	file := filepath.Join(root, "charts", "kubemon", "Chart.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read version: %w", err)
	}
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(data, &chart); err != nil {
		return "", fmt.Errorf("parse %s: %w", file, err)
	}
	if chart.AppVersion == "" {
		return "", fmt.Errorf("read version: %s has no appVersion", file)
	}
	return chart.AppVersion, nil
}
