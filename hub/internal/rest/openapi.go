package rest

import (
	"embed"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"
)

//go:embed openapi.yaml schemas.yaml
var description embed.FS

// openAPI returns the API's description as one JSON document that names the
// program's version, and its schemas.
func openAPI(version string) (data []byte, schemas map[string]any, err error) {
	var document struct {
		OpenAPI    string           `json:"openapi"`
		Info       map[string]any   `json:"info"`
		Security   []map[string]any `json:"security"`
		Tags       []map[string]any `json:"tags"`
		Paths      map[string]any   `json:"paths"`
		Components map[string]any   `json:"components"`
	}
	if err := readYAML("openapi.yaml", &document); err != nil {
		return nil, nil, err
	}
	if err := readYAML("schemas.yaml", &schemas); err != nil {
		return nil, nil, err
	}
	document.Components["schemas"] = schemas
	document.Info["x-program-version"] = version
	data, err = json.Marshal(document)
	if err != nil {
		return nil, nil, fmt.Errorf("encode openapi.json: %w", err)
	}
	return data, schemas, nil
}

func readYAML(name string, into any) error {
	data, err := description.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read embedded %s: %w", name, err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		return fmt.Errorf("parse embedded %s: %w", name, err)
	}
	return nil
}
