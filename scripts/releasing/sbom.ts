import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {bundledPackages} from '../bundled-packages.ts';

interface Sbom {
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly name: string;
    readonly version: string;
  }[];
  readonly dependencies: readonly {readonly ref: string; readonly dependsOn: readonly string[]}[];
  readonly [key: string]: unknown;
}

/**
 * Returns what npm says in CycloneDX about the packages in the lock file, cut down to those in the bundles: to npm all
 * of them are devDependencies, and the tools among them are not shipped.
 */
export function bundledSbom(checkout: string, metafile: string): Sbom {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--sbom-type=application'];
  const sbom: Sbom = JSON.parse(
    execFileSync('npm', args, {cwd: checkout, encoding: 'utf8', maxBuffer: 2 ** 26}),
  );
  const bundled = bundledPackages(JSON.parse(readFileSync(metafile, 'utf8')), checkout);
  const names = new Set(bundled.map(({name, version}) => `${name}@${version}`));
  const components = sbom.components.filter(({name, version}) => names.has(`${name}@${version}`));
  const refs = new Set(components.map((component) => component['bom-ref']));
  const dependencies = sbom.dependencies
    .filter(({ref}) => refs.has(ref) || !sbom.components.some((component) => component['bom-ref'] === ref))
    .map(({ref, dependsOn}) => ({ref, dependsOn: dependsOn.filter((other) => refs.has(other))}));
  return {...sbom, components, dependencies};
}
