/** Where the configuration of the whole machine lies. */
export const machineDirectory = '/etc/orgkey';

/** Who may read it and its secrets: the daemon. Those in `orgkey` may only ask it. */
export const machineReaders = 'orgkey-config';
