/**
 * The task of the contestants that are promises and callbacks: it numbers its events and hands each to `send`, which is
 * what the contestants differ in.
 */
import { setImmediate as nextTurn, setTimeout as after } from "node:timers/promises"
import type { Mode } from "../Contestant.ts"
import { type Event, eventOf, reasonOf } from "./frames.ts"

export class Broadcast {
  readonly id: string
  readonly #send: (event: Event) => void
  readonly #controller = new AbortController()
  #seq = 1

  constructor(id: string, send: (event: Event) => void) {
    this.id = id
    this.#send = send
  }

  /** What a client is sent first. */
  started(): Event {
    return eventOf(this.id, 1, "started", {})
  }

  async emit(count: number, mode: Mode): Promise<void> {
    const { signal } = this.#controller
    for (let sent = 0; sent < count && !signal.aborted; sent++) {
      this.#say("output", { value: this.#seq })
      if (mode === "paced") await nextTurn()
      // An abort ends the wait, and the loop.
      if (mode === "calm") await after(10, undefined, { signal }).catch(() => {})
    }
  }

  /** Stops the emission and tells everyone; the answer of the request. */
  cancel(): { readonly [field: string]: unknown } {
    const at = performance.now()
    this.#controller.abort()
    const reason = reasonOf(this.id)
    this.#say("cancel-requested", reason)
    this.#say("cancelled", { ...reason, how: "interrupted", tookMillis: 0, cleanupFailures: 0 })
    return { _tag: "Cancelled", id: this.id, reason, how: "interrupted", took: Math.round(performance.now() - at) }
  }

  #say(name: string, fields: { readonly [field: string]: unknown }): void {
    this.#send(eventOf(this.id, ++this.#seq, name, fields))
  }
}
