import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

export async function checkNode({
  nodeVersion,
  platform,
}: Pick<World, 'nodeVersion' | 'platform'>): Promise<readonly Diagnostic[]> {
  const {ok, failed} = diagnosticsOf('machine');
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isEnough = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
  const seen = `${nodeVersion} on ${platform}`;
  return [
    isEnough
      ? ok('node', seen)
      : failed(
          'node',
          `${seen} is too old`,
          `install Node ${OLDEST.major}.${OLDEST.minor} or later, then: orgkey service restart`,
        ),
  ];
}

/** As in package.json. */
const OLDEST = {major: 22, minor: 20} as const;
