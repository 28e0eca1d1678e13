/** What a daemon says that finds its place taken: whoever has started it knows by that to go to the other one. */
export function otherServes(path: string): string {
  return `another orgkey daemon serves ${path}`;
}
