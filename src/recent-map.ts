import {LRUCache} from 'lru-cache';

/** A map of a bounded size. When it is full, the entry that was used the longest ago makes room. */
export type RecentMap<Value extends object | number | string> = LRUCache<string, Value>;

/** `release` is called for each value that is no longer in the map. */
export function recentMap<Value extends object | number | string>(
  most: number,
  release: (value: Value, why: 'evicted' | 'removed') => void = () => undefined,
): RecentMap<Value> {
  return new LRUCache({
    // `max` would take memory for all entries at once, at the start of the daemon
    maxSize: most,
    sizeCalculation: () => 1,
    dispose: (value, _key, reason) => release(value, reason === 'evict' ? 'evicted' : 'removed'),
  });
}
