import {printable} from '../../text/printable.ts';

/** The last page in the browser. */
export type SignInPage =
  /** `username` as the issuer calls the person: `ada@contoso.example`. */
  | {readonly kind: 'signed-in'; readonly username: string | undefined}
  /** `reason`: a sentence. */
  | {readonly kind: 'not-signed-in'; readonly reason: string}
  /** A request that does not belong to the sign-in. `reason`: a sentence. */
  | {readonly kind: 'astray'; readonly reason: string};

/** Returns one page of HTML that loads and runs nothing. Details belong to the terminal. */
export function signInPage(page: SignInPage): string {
  const {title, mark, color, lines} = contentOf(page);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} – orgkey</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { display: grid; place-content: center; min-height: 90vh; margin: 0 1rem; text-align: center; }
  svg { width: 4rem; margin: 0 auto 1.5rem; stroke: ${color}; stroke-width: 3; stroke-linecap: round; fill: none; }
  h1 { margin: 0 0 .5rem; font-size: 1.6rem; font-weight: 600; }
  p { margin: 0; overflow-wrap: anywhere; }
  footer { margin-top: 3rem; opacity: .6; }
</style>
<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="22"/><path d="${mark}"/></svg>
<h1>${title}</h1>
${lines.map((line) => `<p>${line}</p>`).join('\n')}
<footer>orgkey</footer>
`;
}

interface Content {
  readonly title: string;
  /** A path of the picture's, in 48 by 48. */
  readonly mark: string;
  readonly color: string;
  /** HTML. */
  readonly lines: readonly string[];
}

function contentOf(page: SignInPage): Content {
  switch (page.kind) {
    case 'signed-in': {
      const who = page.username === undefined ? [] : [`as <b>${escape(printable(page.username, 200))}</b>`];
      return {
        title: 'You are signed in',
        mark: CHECK,
        color: GREEN,
        lines: [...who, 'This page can be closed.'],
      };
    }
    case 'not-signed-in':
      return {title: 'You are not signed in', mark: CROSS, color: RED, lines: [escape(page.reason)]};
    case 'astray':
      return {title: 'Nothing to see here', mark: CROSS, color: RED, lines: [escape(page.reason)]};
  }
}

const CHECK = 'M14 25l7 7 13-15';
const CROSS = 'M17 17l14 14M31 17l-14 14';
const GREEN = '#2e9e4f';
const RED = '#d0453a';

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
