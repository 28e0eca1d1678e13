import type {Environment} from '../text/environment.ts';

/**
 * Returns the directory that a variable names, by the rules of the XDG specification: a variable that is empty or
 * relative counts as not set.
 */
export function absoluteVariable(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value?.startsWith('/') === true ? value : undefined;
}
