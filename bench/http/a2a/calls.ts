/** Calls as text, and what the answers to them must be; everything that a round reads is checked by one of these. */
import { chunkOf } from "./commands.ts"
import type { OnEvent } from "./RpcConnection.ts"

let messages = 0

const sendOf = (method: string, id: number, text: string, configuration = ""): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{"message":{"messageId":"message-${messages++}","role":"ROLE_USER","parts":[{"text":"${text}"}]}${configuration}}}`

/** Is answered when the task has ended. */
export const send = (id: number, text: string): string => sendOf("SendMessage", id, text)

/** Is answered at once. */
export const start = (id: number, text: string): string =>
  sendOf("SendMessage", id, text, `,"configuration":{"returnImmediately":true}`)

export const follow = (id: number, text: string): string => sendOf("SendStreamingMessage", id, text)

export const cancel = (id: number, taskId: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"CancelTask","params":{"id":"${taskId}"}}`

export const wrong = (who: string, what: string): never => {
  throw new Error(`${who}: ${what}`)
}

/** Of a message that was to be echoed. */
export const echoed = (who: string, id: number, text: string, answer: string): void => {
  if (
    !answer.startsWith(`{"jsonrpc":"2.0","id":${id},"result":{"task":{`) ||
    !answer.includes(`"state":"TASK_STATE_COMPLETED"`) ||
    !answer.includes(`"artifactId":"result"`) ||
    !answer.includes(`{"text":"${text}",`)
  ) {
    wrong(who, `${text} was answered ${answer}`)
  }
}

export const startedTask = (who: string, answer: string): string => {
  const { result } = JSON.parse(answer) as { readonly result?: { readonly task?: { readonly id?: string } } }
  return result?.task?.id ?? wrong(who, `a start was answered ${answer}`)
}

export const cancelled = (who: string, id: number, taskId: string, answer: string): void => {
  if (
    !answer.startsWith(`{"jsonrpc":"2.0","id":${id},"result":{`) ||
    !answer.includes(`"state":"TASK_STATE_CANCELED"`) ||
    !answer.includes(`"id":"${taskId}"`)
  ) {
    wrong(who, `the cancel of ${taskId} was answered ${answer}`)
  }
}

/**
 * Reads the events of one task: the task, WORKING, its chunks in order, and one terminal state, with nothing behind it.
 */
export class Reader {
  readonly #who: string
  readonly #id: number
  readonly #terminal: "COMPLETED" | "CANCELED"
  readonly #onWorking: () => void
  #seen = 0
  taskId = ""
  chunks = 0
  ended = false
  /** When it read the terminal state. */
  endedAt = 0

  constructor(who: string, id: number, terminal: "COMPLETED" | "CANCELED", onWorking: () => void = () => {}) {
    this.#who = who
    this.#id = id
    this.#terminal = terminal
    this.#onWorking = onWorking
  }

  readonly onEvent: OnEvent = (text, from, to) => {
    const opening = `data: {"jsonrpc":"2.0","id":${this.#id},"result":{"`
    if (!text.startsWith(opening, from) || this.ended) this.#wrong(text.slice(from, to))
    const at = from + opening.length
    if (this.#seen === 0) {
      if (!text.startsWith("task", at)) this.#wrong(text.slice(from, to))
      const id = text.indexOf('"id":"', at) + 6
      this.taskId = text.slice(id, text.indexOf('"', id))
    } else if (text.startsWith("artifactUpdate", at)) {
      const part = text.indexOf('"text":"', at) + 8
      if (!text.startsWith(`${chunkOf(this.chunks)}"`, part)) this.#wrong(text.slice(from, to))
      this.chunks++
    } else if (text.startsWith("statusUpdate", at)) this.#status(text, at, from, to)
    else this.#wrong(text.slice(from, to))
    this.#seen++
  }

  #status(text: string, at: number, from: number, to: number): void {
    const state = text.indexOf('"TASK_STATE_', at) + 12
    if (this.#seen === 1 && text.startsWith('WORKING"', state)) return this.#onWorking()
    if (!text.startsWith(`${this.#terminal}"`, state)) this.#wrong(text.slice(from, to))
    this.ended = true
    this.endedAt = performance.now()
  }

  /** Throws unless the task has ended after so many chunks. */
  check(chunks = this.chunks): void {
    if (!this.ended || this.chunks !== chunks) {
      wrong(this.#who, `a stream of ${chunks} chunks ended behind ${this.chunks}, ${this.ended ? "" : "not "}told so`)
    }
  }

  #wrong(event: string): never {
    return wrong(this.#who, `event ${this.#seen} of a stream is ${event}`)
  }
}
