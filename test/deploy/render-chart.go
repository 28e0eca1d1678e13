// usage: render-chart CHART NAMESPACE VALUES
// Renders a chart with the template engine and the functions that Helm uses: Go's text/template and sprig. VALUES is a
// YAML file that overrides the values of the chart. Prints the objects as YAML documents, then NOTES.txt as comments.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type files struct{ root string }

// Get returns a file of the chart as text, or nothing, as Helm's does.
func (f files) Get(name string) string {
	content, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		return ""
	}
	return string(content)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render-chart:", err)
		os.Exit(1)
	}
}

func read(path string) map[string]any {
	content, err := os.ReadFile(path)
	check(err)
	found := map[string]any{}
	check(yaml.Unmarshal(content, &found))
	return found
}

// Overrides values, as Helm does: maps are merged, everything else is replaced.
func override(below, above map[string]any) map[string]any {
	for key, value := range above {
		inner, isMap := value.(map[string]any)
		outer, wasMap := below[key].(map[string]any)
		if isMap && wasMap {
			below[key] = override(outer, inner)
		} else {
			below[key] = value
		}
	}
	return below
}

func main() {
	if len(os.Args) != 4 {
		check(errors.New("usage: render-chart CHART NAMESPACE VALUES"))
	}
	chart, namespace := os.Args[1], os.Args[2]
	about := read(filepath.Join(chart, "Chart.yaml"))
	root := map[string]any{
		"Values":  override(read(filepath.Join(chart, "values.yaml")), read(os.Args[3])),
		"Chart":   map[string]any{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": map[string]any{"Name": "orgkey", "Namespace": namespace, "Service": "Helm", "IsInstall": true},
		"Files":   files{chart},
	}
	all := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["include"] = func(name string, data any) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	functions["toYaml"] = func(value any) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	// Helm reports a mistake as a value, and so would hide it here
	functions["fromYaml"] = func(text string) (map[string]any, error) {
		found := map[string]any{}
		err := yaml.Unmarshal([]byte(text), &found)
		return found, err
	}
	all.Funcs(functions)
	names, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	for _, name := range names {
		content, err := os.ReadFile(name)
		check(err)
		_, err = all.New(filepath.Base(name)).Parse(string(content))
		check(err)
	}
	for _, name := range names {
		var out bytes.Buffer
		base := filepath.Base(name)
		if strings.HasPrefix(base, "_") {
			continue
		}
		check(all.ExecuteTemplate(&out, base, root))
		if base == "NOTES.txt" {
			fmt.Print("---\n# ", strings.ReplaceAll(out.String(), "\n", "\n# "), "\n")
		} else {
			fmt.Print("---\n", out.String(), "\n")
		}
	}
}
