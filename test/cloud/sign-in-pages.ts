import type {User} from './directory.ts';

/** Pages as plain as can be: a browser shows them, and `browser.ts` reads their forms. */

export function accountPage({
  tenant,
  users,
  request,
}: {
  tenant: string;
  users: readonly User[];
  request: URLSearchParams;
}): string {
  return page(
    'Sign in to your account',
    `<h1>Pick an account</h1>
<form method="post" action="/${escape(tenant)}/login">
<input type="hidden" name="request" value="${escape(request.toString())}">
${accounts(users)}
<button name="action" value="sign-in">Sign in</button>
<button name="action" value="cancel">Cancel</button>
</form>`,
  );
}

export function codePage({users, code}: {users: readonly User[]; code: string}): string {
  return page(
    'Enter code',
    `<h1>Enter the code displayed on your app or device</h1>
<form method="post" action="/device">
<p><input name="code" value="${escape(code)}" autofocus></p>
${accounts(users)}
<button name="action" value="sign-in">Next</button>
<button name="action" value="cancel">Cancel</button>
</form>`,
  );
}

/** Sends the fields on, as `response_mode=form_post` has it. */
export function formPostPage(address: string, fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  );
  return page(
    'Working...',
    `<form method="post" name="hiddenform" action="${escape(address)}">
${inputs.join('\n')}
<noscript><button>Continue</button></noscript>
</form><script>document.forms[0].submit()</script>`,
  );
}

export function messagePage(title: string, message: string): string {
  return page(title, `<h1>${escape(title)}</h1>\n<p>${escape(message)}</p>`);
}

function accounts(users: readonly User[]): string {
  return users
    .map(
      ({name, userPrincipalName}, index) =>
        `<p><label><input type="radio" name="account" value="${escape(userPrincipalName)}"${index === 0 ? ' checked' : ''}> ${escape(name)} (${escape(userPrincipalName)})</label></p>`,
    )
    .join('\n');
}

function page(title: string, content: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title></head>
<body>
${content}
</body></html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
