/**
 * What the server processes of the workload `http` do, and how they are spoken to. Each contestant has a process of its
 * own, so that its CPU time and memory can be read; it is told what to do over the channel of `fork`, and asked over HTTP.
 */

/** One event each turn of the event loop, as fast as it goes, or one each 10 ms. */
export type Mode = "paced" | "burst" | "calm"

/** One task that emits to whoever follows it; ended by the cancel request. */
export interface FanOutRun {
  readonly events: string
  readonly cancel: string
  /** Emits so many events, the first of them numbered 2 (1 is `started`); resolves when the last was handed over. */
  readonly emit: (count: number, mode: Mode) => Promise<void>
}

export interface FanOutServer {
  readonly port: number
  readonly open: (id: string) => Promise<FanOutRun>
  /** Streams and tasks that are still there. */
  readonly left: () => Promise<number>
}

/** Starts tasks that wait (`POST /tasks/wait`, 202) and cancels them (`POST /tasks/{id}/cancel`, 200 when ended). */
export interface RequestServer {
  readonly port: number
  readonly left: () => Promise<number>
}

/** Serves an A2A agent by JSON-RPC on `/`; see `a2a/commands.ts` for what it does. */
export interface AgentServer {
  readonly port: number
  readonly left: () => Promise<number>
}

export type Kind = "fan-out" | "requests" | "agents"

export interface Usage {
  /** User and system time of the process, in nanoseconds. */
  readonly cpu: number
  readonly heap: number
  readonly rss: number
  /** The most that the process ever had. */
  readonly maxRss: number
  /** Turns of the event loop. */
  readonly turns: number
}

export type Order =
  | { readonly do: "open"; readonly id: string }
  | { readonly do: "emit"; readonly count: number; readonly mode: Mode }
  /** With `collect`, after a full collection. */
  | { readonly do: "usage"; readonly collect?: boolean }
  | { readonly do: "left" }
