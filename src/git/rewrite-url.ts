import {partsOfKey, type SeenSetting} from './seen-settings.ts';

/** Applies the `insteadOf` rule with the longest prefix, as git does. */
export function rewriteUrl(url: string, settings: readonly SeenSetting[]): string {
  const rules = settings.flatMap(({key, value}) => {
    const {section, between = '', name} = partsOfKey(key);
    return section === 'url' && name === 'insteadof' && value !== '' && url.startsWith(value)
      ? [{base: between, prefix: value}]
      : [];
  });
  const longest = rules.toSorted((one, other) => other.prefix.length - one.prefix.length)[0];
  return longest === undefined ? url : longest.base + url.slice(longest.prefix.length);
}
