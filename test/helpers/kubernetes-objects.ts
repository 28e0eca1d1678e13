import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {parseAllDocuments} from 'yaml';
import {scratchDirectory} from './scratch-directory.ts';

const root = join(import.meta.dirname, '../..');
export const kubernetesFolder = join(root, 'scripts/deploy/kubernetes');
const kustomize = join(root, '.cache/kustomize/bin/kustomize');

export const whyNotKustomized = existsSync(kustomize)
  ? undefined
  : 'there is no kustomize: scripts/test-packages kustomize brings one';

/** Anything that YAML can hold. */
export type Loose = ReturnType<typeof JSON.parse>;

/** What Kubernetes calls an object, as far as every kind has it. */
export type KubernetesObject = Record<string, Loose> & {readonly apiVersion: string; readonly kind: string};

/** Returns the objects in a text of YAML documents. */
export function objectsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

export function objectsOf(file: string): KubernetesObject[] {
  return objectsIn(readFileSync(join(kubernetesFolder, file), 'utf8'));
}

/** Returns what kustomize makes of a folder. */
export function rendered(folder: string): KubernetesObject[] {
  return objectsIn(execFileSync(kustomize, ['build', join(kubernetesFolder, folder)], {encoding: 'utf8'}));
}

/**
 * Returns what Kubernetes' schemas say against the objects: fields that do not exist, too, which the API server of
 * Kubernetes drops with a warning only.
 */
export async function faultsOf(t: ExecutionContext, objects: readonly KubernetesObject[]): Promise<string[]> {
  const faults = [];
  for (const {apiVersion, kind, ...rest} of objects) {
    const models = await import(`kubernetes-models/${apiVersion}`);
    try {
      new models[kind]({apiVersion, kind, ...rest}).validate();
    } catch (error) {
      faults.push(`${kind}: ${String(error)}`);
    }
  }
  return [...faults, ...unknownFields(t, objects)];
}

/** TypeScript knows which fields a literal may have. */
function unknownFields(t: ExecutionContext, objects: readonly KubernetesObject[]): string[] {
  const folder = scratchDirectory(t);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const lines = objects.map(
    (object, at) =>
      `import type {I${object.kind} as Kind${at}} from 'kubernetes-models/${object.apiVersion}';\nexport const object${at}: Kind${at} = ${JSON.stringify(object, undefined, 1)};\n`,
  );
  writeFileSync(join(folder, 'objects.ts'), lines.join(''));
  const {stdout, status} = spawnSync(
    join(root, 'node_modules/.bin/tsc'),
    ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--pretty', 'false', 'objects.ts'],
    {cwd: folder, encoding: 'utf8'},
  );
  return status === 0 ? [] : stdout.split('\n').filter((line) => line.includes('error'));
}
