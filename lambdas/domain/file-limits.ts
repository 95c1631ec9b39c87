/** Limits of the files that are read from MLflow. */

/**
 * One file with a run's rows. `bytes` are those of the file, `inflatedBytes` those of its content, of a Parquet file of the
 * columns that are read. A Parquet file is held whole; everything else is read as it arrives. Two files, one after the other,
 * have to be read within the time-out of `compare-models` at its share of a core (a seventh), where 32 MiB take some 25 s.
 */
export const rowsFile = {
  rows: 100_000,
  bytes: 32 * 1024 * 1024,
  inflatedBytes: 48 * 1024 * 1024,
  totalMs: 50_000,
} as const;

/** A file with the rows of another candidate: up to nine are read after the two of the comparison, in some 20 s. */
export const othersFile = {
  rows: 20_000,
  bytes: 3 * 1024 * 1024,
  inflatedBytes: 6 * 1024 * 1024,
  totalMs: 5_000,
} as const;

/** Bytes of a file `MLmodel`: a signature of a thousand columns has some 60 KB. */
export const modelFileBytes = 512 * 1024;

/** The Bloom filter of training rows: of some five million rows, read beside the rows of both versions. */
export const trainingFilterFile = { bytes: 8 * 1024 * 1024, totalMs: 10_000 } as const;

/** The file with the inputs of a model in two periods: some 500 features of 200 bins each. */
export const driftFile = { bytes: 4 * 1024 * 1024, totalMs: 10_000 } as const;

/** Runs of one period whose metrics are read in one call; of more, the newest. */
export const MAX_DRIFT_RUNS = 1000;
