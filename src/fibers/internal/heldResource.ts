/**
 * A Node resource in our hands. From the first moment it has a listener for
 * `error`, so that nothing it says brings the process down; the listeners go when
 * it has closed. What our own destroy makes it say is swallowed.
 */
import * as Effect from "effect/Effect"
import type { CancelAbortError } from "../CancelAbortError.ts"
import type { Destroyable } from "../NodeResource.ts"

type Listener = (...args: Array<any>) => void

export class HeldResource<T extends Destroyable> {
  readonly resource: T
  closed: boolean
  /** What it failed with by itself; `heard` if somebody else listens to errors. */
  failure: { readonly error: unknown; readonly heard: boolean } | undefined = undefined
  /** What it said after we destroyed it, but for our own error. */
  readonly lateErrors: Array<unknown> = []
  /** Grows with everything that happens. */
  protected changes = 0
  private destroyed = false
  private told: CancelAbortError | undefined = undefined
  private readonly watchers = new Set<() => void>()
  private readonly listeners: Array<readonly [event: string, listener: Listener]>
  /** Of a server, which cannot close before they have. */
  private readonly connections = new Set<Destroyable>()

  constructor(resource: T, more: Readonly<Record<string, Listener>> = {}) {
    if (resource.destroy === undefined && resource.close === undefined) {
      throw new TypeError("NodeResource needs something with `destroy` or `close`, or a cancel could not end it")
    }
    this.resource = resource
    this.closed = resource.closed === true
    this.listeners = [["error", (error) => this.failed(error)], ["close", () => this.close()], ...Object.entries(more)]
    if (this.isServer) this.listeners.push(["connection", (connection) => this.connected(connection)])
    for (const [event, listener] of this.listeners) resource.on(event, listener)
  }

  private get isServer(): boolean {
    return this.resource.destroy === undefined && this.resource.close !== undefined
  }

  private connected(connection: Destroyable): void {
    this.connections.add(connection)
    connection.on("close", () => this.connections.delete(connection))
  }

  private failed(error: unknown): void {
    if (this.destroyed) {
      if (error !== this.told) this.lateErrors.push(error)
    } else {
      const listening = this.resource.listenerCount?.("error") ?? 1
      this.failure ??= { error, heard: listening > 1 }
    }
    this.tell()
  }

  private close(): void {
    this.closed = true
    this.release()
    this.tell()
  }

  private release(): void {
    for (const [event, listener] of this.listeners) this.resource.off(event, listener)
  }

  protected tell(): void {
    this.changes++
    for (const watcher of Array.from(this.watchers)) watcher()
  }

  /** Calls back whenever something happened; the returned function withdraws. */
  onChange(watcher: () => void): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  /** Once; a server takes its connections along. */
  destroy(error?: CancelAbortError): void {
    if (this.destroyed || this.closed) return
    this.destroyed = true
    this.told = error
    const { resource } = this
    if (resource.destroy !== undefined) resource.destroy(error)
    else {
      resource.close?.()
      for (const connection of Array.from(this.connections)) {
        // Who handles a connection may listen to its errors, but need not.
        connection.on("error", () => {})
        connection.destroy?.(error)
      }
    }
  }

  /** Waits until it says so, or, for one that emits no `close`, until it is seen. */
  get awaitClosed(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.closed) return this.settled
      const told = Effect.callback<void>((resume) => {
        const withdraw = this.onChange(() => {
          if (this.closed) resume(Effect.void)
        })
        return Effect.sync(withdraw)
      })
      return this.resource.closed === undefined ? told : Effect.raceFirst(told, this.seenClosed(0))
    })
  }

  private seenClosed(looks: number): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.resource.closed === true
        ? this.settled
        : Effect.andThen(
            looks < 4 ? Effect.yieldNow : Effect.sleep("10 millis"),
            Effect.suspend(() => this.seenClosed(looks + 1))
          )
    )
  }

  /** `closed` is set a moment before the events that belong to it are out. */
  private get settled(): Effect.Effect<void> {
    return Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => this.close())
    )
  }
}
