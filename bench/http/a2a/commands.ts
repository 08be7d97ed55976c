/** What the agents of the workload `a2a` are asked for, in the text of the message, and what they answer. */

export type Pace =
  /** As fast as it goes. */
  | "at-once"
  /** One in each turn of the event loop, as what comes from another process does. */
  | "by-turn"
  /** Milliseconds in between. */
  | number

export type Command =
  | { readonly do: "echo"; readonly text: string }
  | { readonly do: "stream"; readonly count: number; readonly pace: Pace }
  /** Until it is cancelled. */
  | { readonly do: "wait" }

export const echo = (text: string): string => `echo ${text}`

export const stream = (count: number, pace: Pace): string => `stream ${count} ${pace}`

export const wait = "wait"

export const commandOf = (text: string): Command => {
  const [name = "", count, pace] = text.split(" ")
  switch (name) {
    case "echo":
      return { do: "echo", text: text.slice(5) }
    case "stream":
      return {
        do: "stream",
        count: Number(count),
        pace: pace === "at-once" || pace === "by-turn" ? pace : Number(pace)
      }
    case "wait":
      return { do: "wait" }
    default:
      throw new Error(`"${text}" is none of echo, stream and wait`)
  }
}

/** Of the chunk with that number. */
export const chunkOf = (index: number): string => `token ${index}`
