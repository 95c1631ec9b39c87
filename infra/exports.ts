/** What the npm package exports. */

// biome-ignore-start lint/performance/noBarrelFile: the package has one entry, and the constructs have a file each
export * from './model-promotion.ts';
export { RetrainingLifecycle, type RetrainingLifecycleProps } from './retraining-lifecycle.ts';
// biome-ignore-end lint/performance/noBarrelFile: as above
