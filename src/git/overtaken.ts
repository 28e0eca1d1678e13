import {ourHelper} from './credential-chain.ts';
import {coversCredential} from './match-url.ts';
import {partsOfKey, truthOf} from './seen-settings.ts';
import type {Setting} from './setting.ts';

/**
 * Whether a later line of another program or of the user undoes ours.
 * @param present as git lists the file: section and name in lower case
 */
export function areOvertaken(present: readonly Setting[], wanted: readonly Setting[]): boolean {
  return areHelpersOvertaken(present, wanted) || isPathTurnedOff(present, wanted);
}

/** Whether git does not send the path, without which we do not know the organization. */
function isPathTurnedOff(present: readonly Setting[], wanted: readonly Setting[]): boolean {
  return wanted.filter(isPath).some(({key}) => {
    const name = key.toLowerCase();
    const ours = present.findLastIndex((one) => one.key.toLowerCase() === name && one.value === 'true');
    return present
      .slice(ours + 1)
      .some((later) => isPath(later) && truthOf(later.value) !== true && coversSame(later.key, key));
  });
}

function isPath({key}: Setting): boolean {
  const {section, name} = partsOfKey(key);
  return section === 'credential' && name.toLowerCase() === 'usehttppath';
}

/** An empty line drops our helper. If ours has to be the only one, any other would receive each token that worked. */
function areHelpersOvertaken(present: readonly Setting[], wanted: readonly Setting[]): boolean {
  const others = present.flatMap((setting, at) => (isOfOthers(present, at) ? [{...setting, at}] : []));
  if (others.length === 0) return false;
  const places = new Map(present.map(({key, value}, at) => [`${key}\n${value}`, at]));
  return wanted.some(({key, value}, index) => {
    if (!isHelper(key) || ourHelper({value}) === undefined) return false;
    const ours = places.get(`${key}\n${value}`) ?? -1;
    const isAlone = wanted[index - 1]?.key === key;
    return others.some(
      (other) => other.at > ours && (isAlone || other.value === '') && coversSame(other.key, key),
    );
  });
}

/** An empty line is ours if our helper follows. */
function isOfOthers(present: readonly Setting[], at: number): boolean {
  const [setting, next] = present.slice(at, at + 2);
  if (setting === undefined || !isHelper(setting.key) || ourHelper(setting) !== undefined) return false;
  return setting.value !== '' || next?.key !== setting.key || ourHelper(next) === undefined;
}

function isHelper(key: string): boolean {
  const {section, name} = partsOfKey(key);
  return section === 'credential' && name === 'helper';
}

function coversSame(key: string, other: string): boolean {
  const pattern = partsOfKey(key).between;
  const url = partsOfKey(other).between;
  return pattern === undefined || (url !== undefined && coversCredential(pattern, url));
}
