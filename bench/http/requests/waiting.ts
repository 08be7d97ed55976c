/** What the contestants without Effect keep: tasks that wait until they are cancelled, by id. */
import { randomUUID } from "node:crypto"

interface Waiting {
  readonly controller: AbortController
  readonly done: Promise<void>
}

export class WaitingTasks {
  readonly #tasks = new Map<string, Waiting>()

  get size(): number {
    return this.#tasks.size
  }

  start(): Started {
    const id = `wait-${randomUUID()}`
    const controller = new AbortController()
    const done = new Promise<void>((resolve) => {
      controller.signal.addEventListener("abort", () => resolve(), { once: true })
    })
    this.#tasks.set(id, { controller, done })
    return startedOf(id)
  }

  /** Resolves when the task has ended; `undefined` if there is none. */
  async cancel(id: string, call: Call): Promise<Cancelled | undefined> {
    const task = this.#tasks.get(id)
    if (task === undefined) return undefined
    const asked = performance.now()
    const reason = reasonOf(id, call)
    task.controller.abort(reason)
    await task.done
    this.#tasks.delete(id)
    return { _tag: "Cancelled", id, reason, how: "interrupted", took: Math.round(performance.now() - asked) }
  }
}

/** The body of a start. */
export interface Payload {
  readonly label?: string
}

/** The body of a cancel. */
export interface Call {
  readonly reason?: { readonly message?: string; readonly by?: string; readonly detail?: unknown }
  readonly grace?: string | number
  readonly giveUp?: string | number
  readonly wait?: boolean
}

export interface Started {
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly links: { readonly self: string; readonly events: string; readonly cancel: string }
}

interface Cancelled {
  readonly _tag: "Cancelled"
  readonly id: string
  readonly reason: ReturnType<typeof reasonOf>
  readonly how: string
  readonly took: number
}

export const startedOf = (id: string): Started => {
  const self = `/tasks/${id}`
  return { id, name: "wait", attempt: 1, links: { self, events: `${self}/events`, cancel: `${self}/cancel` } }
}

const reasonOf = (id: string, { reason }: Call) => ({
  source: "request",
  message: reason?.message ?? "Task was cancelled",
  ...(reason?.by === undefined ? {} : { by: reason.by }),
  scope: id,
  at: new Date().toISOString()
})

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isOptional = (value: unknown, ...types: ReadonlyArray<string>): boolean =>
  value === undefined || types.includes(typeof value)

export const isPayload = (body: unknown): body is Payload => isObject(body) && isOptional(body["label"], "string")

export const isCall = (body: unknown): body is Call => {
  if (!isObject(body)) return false
  const { giveUp, grace, reason, wait } = body
  if (!isOptional(grace, "string", "number") || !isOptional(giveUp, "string", "number")) return false
  if (!isOptional(wait, "boolean")) return false
  return (
    reason === undefined ||
    (isObject(reason) && isOptional(reason["message"], "string") && isOptional(reason["by"], "string"))
  )
}
