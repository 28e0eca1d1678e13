/**
 * A directory that a variable names, as the XDG specification wants it read: set to nothing counts as not set, and so
 * does a relative path.
 */
export function absoluteVariable(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  const value = environment[name];
  return value?.startsWith('/') === true ? value : undefined;
}
