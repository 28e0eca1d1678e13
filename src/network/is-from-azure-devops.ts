/**
 * Whether an answer carries the headers that Azure DevOps adds to each of its answers, sign-in pages included. Without
 * them, a page or a redirect comes from a proxy or from the login page of a network.
 */
export function isFromAzureDevOps(headers: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(headers).some((name) => /^(?:x-(?:tfs|vss)-|activityid$)/i.test(name));
}
