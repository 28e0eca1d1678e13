/** Time for running ssh transfers to finish when the daemon stops, in milliseconds. */
export const TRANSFER_LIMIT = 60_000;

/** Time for a slow disk, in milliseconds. After that the daemon leaves, and unwritten data is lost. */
export const DISK_LIMIT = 5_000;

/** The longest stop of the daemon, in milliseconds: it waits for the disk before and after the transfers. */
const LONGEST_LEAVE = TRANSFER_LIMIT + 2 * DISK_LIMIT;

/** The time that supervisors give the daemon before they kill it, in seconds; `scripts/deploy` has the same. */
export const STOP_SECONDS = LONGEST_LEAVE / 1000 + 10;
