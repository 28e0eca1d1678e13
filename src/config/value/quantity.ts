/** Milliseconds: `90s`, `10m`, `2h`, `1d`. `undefined` where it is none, or longer than a timer can wait. */
export function durationFrom(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})\s?(s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const milliseconds = Number(amount) * (SECONDS.get(unit) ?? 0) * 1000;
  return milliseconds > 0 && milliseconds < 2 ** 31 ? milliseconds : undefined;
}

/** Bytes: `4096`, `500KiB`, `10MiB`, `1GiB`. */
export function sizeFrom(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,12})\s?(KiB|MiB|GiB)?$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const bytes = Number(amount) * (BYTES.get(unit) ?? 1);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

const SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
]);

const BYTES: ReadonlyMap<string, number> = new Map([
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);
