/** Transfers over ssh that are under way when the daemon is told to stop may take this long, in milliseconds. */
export const TRANSFER_LIMIT = 60_000;

/** A disk that does not answer costs what is not written yet, and does not keep the daemon, in milliseconds. */
export const DISK_LIMIT = 5_000;

/** A daemon that is told to stop has left by then, in milliseconds: the disk is waited for before and after the end. */
export const LONGEST_LEAVE = TRANSFER_LIMIT + 2 * DISK_LIMIT;

/** Whoever manages the daemon kills it no sooner, in seconds; the files in `scripts/deploy` say the same. */
export const STOP_SECONDS = LONGEST_LEAVE / 1000 + 10;
