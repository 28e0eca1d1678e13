/** What a git of before 2.46 asks, as its cache client sends it. */
export function getFor(organization: string, more = ''): string {
  return `action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=${organization}/web/_git/site\n${more}`;
}

/** What it says when the server refused what it was given. */
export function eraseFor(organization: string, password: string): string {
  return `action=erase\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=${organization}/web/_git/site\nusername=orgkey\npassword=${password}\n`;
}

/** Returns the password in an answer, or an empty string. */
export function passwordIn(answer: string): string {
  return /^password=(.*)$/m.exec(answer)?.[1] ?? '';
}

/** The claims of an access token of the test cloud. */
export function claimsIn(token: string): Readonly<Record<string, unknown>> {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}');
  return typeof claims === 'object' && claims !== null ? {...claims} : {};
}

/** Several at a time, at most `width`, in their order. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const one = async () => {
    for (const [at, item] of left) results[at] = await work(item);
  };
  await Promise.all(Array.from({length: width}, one));
  return results;
}
