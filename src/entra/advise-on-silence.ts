import {printable} from '../text/printable.ts';
import {timedOut} from '../text/timed-out.ts';
import type {Failure} from '../token/acquire.ts';
import {worded} from './advice-words.ts';
import type {AcquirerFailure} from './failure.ts';

type Silence = Extract<AcquirerFailure, {kind: 'unreachable'}>;

/** Explains why no answer came, from the nearest cause to the farthest. */
export function adviseOnSilence(silence: Silence): Failure {
  const {service, code, detail, hint, proxy} = silence;
  const host = printable(silence.host);
  if (hint !== undefined) return worded(code, printable(detail), printable(hint));
  if (service === 'managed-identity')
    return worded(
      'ERR_NO_METADATA_SERVICE',
      `this machine's metadata service (${host}) cannot be reached (${code})`,
      'If it never worked here, use another identity (only Azure machines have one), or let 169.254.169.254 through the container or firewall; orgkey asks again automatically.',
    );
  const through = proxy === undefined ? '' : ` through the proxy ${printable(proxy)}`;
  const known = adviceByCode.get(code) ?? (isTlsError(code) ? tls : unreachable);
  return known({host, through, code: printable(code)});
}

interface Facts {
  readonly host: string;
  /** Empty without a proxy. */
  readonly through: string;
  readonly code: string;
}

type Explain = (facts: Facts) => Failure;

function unresolved({host, code}: Facts): Failure {
  return worded(
    'ERR_DNS',
    `the name ${host} cannot be resolved (${code})`,
    'Check the network and the name server of this machine, or set HTTPS_PROXY if it needs a proxy.',
  );
}

function late({host, through}: Facts): Failure {
  const hint = `Check the connection: curl -sS -o /dev/null https://${host}/ from this machine, and whether it needs a proxy.`;
  return timedOut(`${host}${through} did not answer`, undefined, hint);
}

function outOfDate({host, code}: Facts): Failure {
  return worded(
    'ERR_TLS_EXPIRED',
    `the certificate of ${host} is ${code === 'CERT_HAS_EXPIRED' ? 'no longer' : 'not yet'} valid`,
    "Check this machine's clock (date -u) first; if it is right, a proxy in between shows an old certificate.",
  );
}

function untrusted({host, code}: Facts): Failure {
  return worded(
    'ERR_TLS_UNTRUSTED',
    `the certificate of ${host} comes from an authority that is not trusted here (${code})`,
    'If a proxy inspects TLS here, point NODE_EXTRA_CA_CERTS to its authority in the environment of the service.',
  );
}

function otherName({host}: Facts): Failure {
  return worded(
    'ERR_TLS_NAME',
    `the certificate does not belong to ${host}`,
    'Another server answers in its place: check DNS, hosts file and proxy of this machine.',
  );
}

function tls({host, code}: Facts): Failure {
  return worded(
    'ERR_TLS',
    `no secure connection to ${host} can be made (${code})`,
    'Something in between does not speak TLS: check the proxy of this machine.',
  );
}

function lost({host, through, code}: Facts): Failure {
  return worded(
    'ERR_CONNECTION_LOST',
    `the connection to ${host}${through} was cut (${code})`,
    'orgkey tries again; if it happens every time, a firewall or a proxy cuts it.',
  );
}

function unreachable({host, code}: Facts): Failure {
  return worded(
    'ERR_UNREACHABLE',
    `${host} cannot be reached (${code})`,
    'Check the network of this machine, or set HTTPS_PROXY if it needs a proxy.',
  );
}

const adviceByCode: ReadonlyMap<string, Explain> = new Map(
  Object.entries({
    ENOTFOUND: unresolved,
    EAI_AGAIN: unresolved,
    TIMEOUT: late,
    ETIMEDOUT: late,
    CERT_HAS_EXPIRED: outOfDate,
    CERT_NOT_YET_VALID: outOfDate,
    DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
    SELF_SIGNED_CERT_IN_CHAIN: untrusted,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
    UNABLE_TO_GET_ISSUER_CERT: untrusted,
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
    CERT_UNTRUSTED: untrusted,
    ERR_TLS_CERT_ALTNAME_INVALID: otherName,
    ECONNRESET: lost,
    EPIPE: lost,
  }),
);

function isTlsError(code: string): boolean {
  return code.startsWith('ERR_SSL') || code === 'EPROTO';
}
