import type {PushHead} from './push-commands.ts';
import {allowsRef, type Rule} from './rule.ts';

/** What a push may not do, ref by ref. Empty: it may be sent on. */
export type DeniedRefs = ReadonlyMap<string, string>;

/** Returns the refs of a push that the rule denies, each with its reason. */
export function deniedRefs({commands}: PushHead, rule: Rule): DeniedRefs {
  const denied = new Map<string, string>();
  for (const {ref, kind} of commands) {
    if (!allowsRef(rule, ref)) denied.set(ref, 'not among the refs that this gateway allows');
    else if (kind === 'delete' && !rule.deletions) denied.set(ref, 'this gateway does not allow deletions');
  }
  return denied;
}

/** What git prints after a push that was not sent on. */
interface PushNotice {
  readonly reasonFor: (ref: string) => string;
  /** Git prints each with `remote: ` in front. */
  readonly lines: readonly string[];
}

/**
 * Makes the report that git prints as `[remote rejected]` for each ref. Returns `undefined` if git reads no report.
 * @see https://git-scm.com/docs/pack-protocol#_report_status
 */
export function pushReport(
  {commands, capabilities}: PushHead,
  {reasonFor, lines}: PushNotice,
): Buffer | undefined {
  if (!capabilities.has('report-status') && !capabilities.has('report-status-v2')) return undefined;
  const refs = commands.map(({ref}) => packet(`ng ${ref} orgkey: ${reasonFor(ref)}\n`));
  const report = Buffer.concat([packet('unpack ok\n'), ...refs, FLUSH]);
  if (!capabilities.has('side-band-64k') && !capabilities.has('side-band')) return report;
  const limit = capabilities.has('side-band-64k') ? 65_515 : 995;
  const parts = lines.map((line) => packet(Buffer.concat([Buffer.of(2), Buffer.from(`${line}\n`)])));
  for (let at = 0; at < report.length; at += limit)
    parts.push(packet(Buffer.concat([Buffer.of(1), report.subarray(at, at + limit)])));
  return Buffer.concat([...parts, FLUSH]);
}

/** Makes the answer to a fetch that git prints as `fatal: remote error: …`. */
export function fetchError(message: string): Buffer {
  return packet(`ERR ${message}`);
}

function packet(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

const FLUSH = Buffer.from('0000');
