/** The events that all contestants send: the shape of Rescind's, about 110 bytes. */

export interface Event {
  readonly name: string
  readonly id: string
  readonly data: { readonly [field: string]: unknown }
}

export const eventOf = (
  task: string,
  seq: number,
  name: string,
  fields: { readonly [field: string]: unknown }
): Event => ({
  name,
  id: `1-${seq}`,
  data: { id: task, attempt: 1, seq, at: new Date().toISOString(), ...fields }
})

export const textOf = ({ data, id, name }: Event): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** As the answer to a cancel has it. */
export const reasonOf = (task: string): { readonly [field: string]: unknown } => ({
  message: "Task was cancelled",
  reason: "request",
  scope: task
})

export const streamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no"
}
