/** What a wrapper of vitest's functions must hand on: the line of the test, and the fixtures that its body asks for. */

export interface CallSite {
  /** The error with a stack of this line alone, which is where vitest then points to. */
  readonly blamed: <E extends Error>(error: E) => E
}

/** Where `called` was called. */
export const callSiteOf = (called: Function): CallSite => {
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, called)
  const line = here.stack?.split("\n").find((frame) => frame.trimStart().startsWith("at "))
  return {
    blamed: (error) =>
      Object.defineProperty(error, "stack", {
        value: `${error.name}: ${error.message}${line === undefined ? "" : `\n${line}`}`,
        configurable: true,
        writable: true
      })
  }
}

/** Vitest reads the source of a body to see which fixtures it destructures; a wrapper shows that of what it wraps. */
export const sourceOf = <F extends Function>(source: Function, body: F): F =>
  Object.defineProperty(body, "toString", { value: () => source.toString() })
