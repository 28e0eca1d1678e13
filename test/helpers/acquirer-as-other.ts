/** The acquirer as another user without any rights, whichever user started it. */
const OTHER = 65_534;

process.setgroups?.([OTHER]);
process.setgid?.(OTHER);
process.setuid?.(OTHER);
await import('../../src/entra/child/acquirer.ts');
