import test from 'ava';

/** Returns what registers tests; if there is a reason against them, they are skipped and their titles name it. */
export function testUnless(why: string | undefined, registered: typeof test | typeof test.serial = test) {
  if (why === undefined) return registered;
  return new Proxy(test.skip, {
    apply: (skip, self, [title, ...others]: [string, ...unknown[]]) =>
      Reflect.apply(skip, self, [`${title} (skipped: ${why})`, ...others]),
  });
}

/** For tests that act as another user. */
export const whyNotRoot = process.getuid?.() === 0 ? undefined : 'only root can act as another user';

export const whyNotLinux = process.platform === 'linux' ? undefined : 'only Linux has it';
