/**
 * Places in source files: read from the stacks of errors, told apart by whose code they are in, and shown with the text
 * of their line. Stacks go through whatever maps sources here (vitest, a loader), so places are those of the sources.
 */
import { host } from "../host.ts"

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The function, as the engine calls it; empty if it has no name. */
  readonly within: string
}

/** A stack of few frames as it is here; `away` and what it called are left out. Written out when it is read. */
export class Stack {
  declare readonly stack: string

  constructor(away: Function, frames: number) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = frames
    // Elsewhere than in V8 the frames of the kit itself stay in: they are nobody's code.
    if (Error.captureStackTrace === undefined) Object.assign(this, { stack: new Error("here").stack })
    else Error.captureStackTrace(this, away)
    Error.stackTraceLimit = stackTraceLimit
  }
}

export type Owner = "user" | "library" | "rescind" | "effect" | "host"

const frame = /^\s*at (?:async )?(?:(.*?) \()?([^()]+):(\d+):(\d+)\)?$/

/** The frames of a stack, the innermost first. */
export const placesOf = (stack: string | undefined): ReadonlyArray<Place> =>
  (stack ?? "").split("\n").flatMap((text) => {
    const match = frame.exec(text)
    if (match === null) return []
    const [, within = "", file, line, column] = match
    return [{ file: pathOf(file!), line: Number(line), column: Number(column), within }]
  })

/** What is called while a fiber runs stands above these. */
const runLoop = /~effect\/Effect\/|runLoop/

/** The frames of one operation: those up to the run loop that executes it. */
export const ofOperation = ({ stack }: Stack): ReadonlyArray<Place> => {
  const places = placesOf(stack)
  const end = places.findIndex(({ within }) => runLoop.test(within))
  return end < 0 ? places : places.slice(0, end)
}

export const ownerOf = ({ file }: Place): Owner => {
  if (/[\\/]node_modules[\\/](?:@effect[\\/][^\\/]+|effect)[\\/]/.test(file)) return "effect"
  if (file.startsWith(home)) return file.startsWith(`${home}examples/`) ? "user" : "rescind"
  if (/[\\/]node_modules[\\/]/.test(file)) return "library"
  return /^(?:node:|<|native$)/.test(file) ? "host" : "user"
}

/** The innermost frame in the user's code. */
export const usersOf = (places: ReadonlyArray<Place>): Place | undefined =>
  places.find((place) => ownerOf(place) === "user")

export const pathOf = (file: string): string => {
  const path = file.replace(/\?.*$/, "")
  return path.startsWith("file://") ? decodeURIComponent(new URL(path).pathname).replace(/^\/([A-Z]:)/i, "$1") : path
}

/** The folder of Rescind's code: `src` here, `dist` where it is installed. */
const home = pathOf(new URL("../../../", import.meta.url).href)

const lines = new Map<string, ReadonlyArray<string>>()

/** Reads files anew. */
export const forgetSources = (): void => lines.clear()

export const sourceOf = (file: string): ReadonlyArray<string> => {
  let source = lines.get(file)
  if (source === undefined) lines.set(file, (source = read(file)))
  return source
}

const read = (file: string): ReadonlyArray<string> => {
  const fs = host("node:fs")
  return fs?.existsSync(file) === true ? fs.readFileSync(file, "utf8").split("\n") : []
}

const widest = 80

/** "`yield* save(order)` at src/orders.ts:41", or the file and line alone if the source cannot be read. */
export const show = (place: Place): string => {
  const text = textOf(place)
  return text === undefined ? where(place) : `\`${text}\` at ${where(place)}`
}

export const where = ({ file, line }: Place): string => {
  const path = host("node:path")
  const from = path?.relative(globalThis.process.cwd(), file)
  return `${from === undefined || from.startsWith("..") ? file : from}:${line}`
}

const textOf = ({ file, line }: Place): string | undefined => {
  const text = sourceOf(file)[line - 1]?.trim().replace(/[;,]$/, "")
  if (text === undefined || text === "") return undefined
  return text.length <= widest ? text : `${text.slice(0, widest)}…`
}
