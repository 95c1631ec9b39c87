/** The part of dynalite (which ships no types) that the local table uses. */
declare module 'dynalite' {
  import type { Server } from 'node:http';
  import type { AddressInfo } from 'node:net';

  interface DynaliteServer extends Server {
    address(): AddressInfo;
  }
  export default function dynalite(options?: {
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): DynaliteServer;
}
