/** Git's client has no time limit of its own, and ten seconds is what a user waits without a doubt. */
const REQUEST = 10_000;

/** So much earlier than the connection ends, the client gets a reason instead. */
const ANSWER_MARGIN = 1_000;

/** Starting Node and one round trip to the issuer, on a busy machine. */
const LEAST_ACQUIRER = 2_000;

/** Git waits this long at most, then it is answered. */
const PATIENCE = REQUEST - ANSWER_MARGIN;

/** An acquirer that got the last possible place still has its least time. */
const ACQUIRER = REQUEST - LEAST_ACQUIRER;

/**
 * Every time limit of a request, in milliseconds, and of what the daemon waits for beside it. Each one follows from the
 * limit around it: the inner part ends first, so that its reason reaches git. `test/time-budget.test.ts` holds the inequalities.
 */
export const TIME_BUDGET = {
  /** From the connection to the end of the request. Git sends its request at once. */
  read: REQUEST,
  /** From the end of the request to the answer; then the connection is closed. */
  answer: REQUEST,
  /** A request that still waits for a token gets the old token or a reason. Less than `answer`. */
  patience: PATIENCE,
  /**
   * From the wish for a token to its acquisition, with the wait for a free place. It may exceed `patience`: the next
   * request finds the result.
   */
  acquisition: REQUEST,
  /** With less than this left, no acquirer is started. */
  leastAcquirer: LEAST_ACQUIRER,
  /** Reading all secrets of an identity. With `leastAcquirer` it makes `patience`. */
  secrets: PATIENCE - LEAST_ACQUIRER,
  /** One program or keyring that gives a secret. Less than `patience`, so that git learns which one hangs. */
  secretSource: PATIENCE - 1_000,
  /** Then an acquirer is killed. With `leastAcquirer` it makes `acquisition`. */
  acquirer: ACQUIRER,
  /** So long before its end, an acquirer reports what it was waiting for. */
  acquirerReport: 400,
  /** A wait for an update to complete the acquirer's program. Several fit into `leastAcquirer`. */
  updatePoll: 200,
  /** The Azure CLI, which starts Python. Less than `acquirer` − `acquirerReport`. */
  azureCli: ACQUIRER - 1_000,
  /** One HTTP request. Two that hang, and the delay between them, fit into `acquirer` − `acquirerReport`. */
  httpTry: 3_500,
  /** Before the second try; three times as long before the third. */
  httpRetry: 250,
  /** Between two tries of a metadata service that is being updated: four fit into `acquirer` − `acquirerReport`. */
  metadataRetry: 2_000,
  /** A server that wants a longer pause gets no further try. With `httpTry` it fits into `acquirer` − `acquirerReport`. */
  httpLongestPause: 2_500,
  /** A gateway's connection to Azure DevOps, through a proxy or not. With the answer it ends before `answer`. */
  connection: ACQUIRER,
  /** A tool's helper waits this long for the answer. More than `answer`. */
  toolPatience: REQUEST + ANSWER_MARGIN,
  /** So often NuGet hears that its request is under way: it gives up after five seconds without news. */
  toolProgress: 2_000,
  /** A question for refs that a gateway sent ahead: git asks right after the answer that it waits for. */
  foresight: REQUEST,
  /** Asking Azure DevOps about a rejected token, before it is withheld. Half of `patience`: a token may be acquired first. */
  verification: PATIENCE / 2,
  /** The disk or a keyring on behalf of a request. Together with `patience` no more than `answer`. */
  disk: ANSWER_MARGIN,
  /** A request that started the daemon is answered before the daemon does anything else. */
  coldStart: ANSWER_MARGIN,
  /** The command line waits this long for a daemon to answer; then it counts as not running. */
  control: 5_000,
  /** During a call, it asks so often whether the daemon still answers. Two of them are less than `answer`. */
  pulse: 4_000,
  /** systemd ends a daemon that is silent for so long. */
  watchdog: 90_000,
  /** Several reports to the watchdog fit into its limit. */
  watchdogReport: 25_000,
  /** A socket that we ask who listens there. */
  hello: 2_000,
  /**
   * A daemon that cannot start answers for this long before it exits. systemd gives up after 30 starts in a minute, so
   * it exceeds two seconds.
   */
  failedStart: 2_500,
  /** The program that finds a group which is not in the file. Sockets open one after the other. */
  group: 2_000,
  /** The program that makes an entry with fields in the journal. No request waits for it. */
  journalEntry: 2_000,
  /** Prometheus sends its request at once. */
  metrics: 5_000,
  /** The last metrics for a collector of OpenTelemetry, at the end of the daemon. Less than `finish`. */
  lastExport: 1_000,
  /** A collector that wants a longer pause is asked again after this one. */
  longestExportPause: 10 * 60_000,
  /** A user who signs in. As long as Entra's device codes live. */
  signIn: 15 * 60_000,
  /** A user who is asked whether another account may be replaced. */
  question: 2 * 60_000,
  /** A browser on this machine that brings the code of a sign-in. */
  browser: REQUEST,
  /** A thread that still works on a file or a name at the end of the process. */
  thread: 1_000,
  /** What a changed or removed gateway carries may finish for this long. */
  replacedGateway: 60_000,
  /** At the end of the daemon, for the requests under way. More than `answer`. */
  finish: REQUEST + 2_000,
} as const;
