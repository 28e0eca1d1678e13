import {existsSync, writeFileSync} from 'node:fs';
import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {stringify} from 'yaml';
import {objectsIn, type KubernetesObject, type Loose} from './kubernetes-objects.ts';
import {scratchDirectory} from './scratch-directory.ts';

const root = join(import.meta.dirname, '../..');
export const chart = join(root, 'scripts/deploy/helm/orgkey');
const renderer = join(root, '.cache/sprig/render-chart');

export const whyNotRendered = existsSync(renderer)
  ? undefined
  : "there is no Go with Helm's functions for templates: scripts/test-packages sprig brings it";

interface Rendered {
  readonly objects: readonly KubernetesObject[];
  readonly notes: string;
  readonly stderr: string;
}

/** Renders the chart with the engine that Helm uses. */
export function renderChart(t: ExecutionContext, values: Loose, namespace = 'orgkey'): Rendered {
  const file = join(scratchDirectory(t), 'values.yaml');
  writeFileSync(file, stringify(values));
  const {stdout, stderr} = spawnSync(renderer, [chart, namespace, file], {encoding: 'utf8'});
  return {
    objects: objectsIn(stdout).filter((object) => object !== null),
    notes: stdout
      .split('\n')
      .flatMap((line) => (line.startsWith('# ') ? [line.slice(2)] : []))
      .join('\n'),
    stderr,
  };
}
