/**
 * Where functions stand in the sources, asked of the engine's inspector. A function of Effect's leads to the functions
 * of the user that it closes over; where there is no inspector, nothing is known.
 */
import type { InspectorNotification, Runtime, Session } from "node:inspector"
import { host } from "../host.ts"
import { ownerOf, pathOf, type Place, placesOf, sourceOf } from "./places.ts"

const handle = "~rescind/testing/function"

export class Functions {
  private readonly files = new Map<string, string>()
  private connection: Session | undefined
  private asked = false

  /** Connected when first needed: the engine then tells of every script. */
  private get session(): Session | undefined {
    if (this.asked) return this.connection
    this.asked = true
    this.connection = connected()
    this.connection?.on("Debugger.scriptParsed", (told: InspectorNotification<{ scriptId: string; url: string }>) => {
      this.files.set(told.params.scriptId, told.params.url)
    })
    this.connection?.post("Debugger.enable")
    return this.connection
  }

  close(): void {
    this.connection?.disconnect()
  }

  /** Where it stands; first of its own, then of what it closes over, if that is a user's. */
  users(fn: Function): Place | undefined {
    const known = this.propertiesOf(fn)
    const own = this.placeOf(known)
    if (own !== undefined && ownerOf(own) === "user") return own
    for (const closedOver of this.closedOver(known)) {
      const place = this.placeOf(closedOver)
      if (place !== undefined && ownerOf(place) === "user") return place
    }
    return undefined
  }

  /** "Semaphore.take", of a function inside of Effect or Rescind; undefined of any other. */
  nameOf(fn: Function): string | undefined {
    const place = this.placeOf(this.propertiesOf(fn))
    const owner = place && ownerOf(place)
    const name = place !== undefined && (owner === "effect" || owner === "rescind") ? enclosing(place) : undefined
    const file = /([^\\/]+)[\\/]([^\\/]+)\.\w+$/.exec(place?.file ?? "")
    if (name === undefined || file === null) return undefined
    const [, folder, module] = file
    if (owner === "rescind" || folder !== "internal") return `${module}.${name}`
    const fiber = /^fiber([A-Z])(\w*)$/.exec(name)
    if (fiber !== null) return `Fiber.${fiber[1]!.toLowerCase()}${fiber[2]}`
    return `${module!.charAt(0).toUpperCase()}${module!.slice(1)}.${name}`
  }

  private propertiesOf(fn: Function): Runtime.GetPropertiesReturnType | undefined {
    const global = globalThis as Record<string, unknown>
    global[handle] = fn
    let id: string | undefined
    this.session?.post("Runtime.evaluate", { expression: `globalThis[${JSON.stringify(handle)}]` }, (error, answer) => {
      if (error === null) id = answer.result.objectId
    })
    delete global[handle]
    return this.properties(id)
  }

  private properties(objectId: string | undefined): Runtime.GetPropertiesReturnType | undefined {
    let properties: Runtime.GetPropertiesReturnType | undefined
    if (objectId === undefined) return properties
    this.session?.post("Runtime.getProperties", { objectId, ownProperties: true }, (error, answer) => {
      if (error === null) properties = answer
    })
    return properties
  }

  private placeOf(known: Runtime.GetPropertiesReturnType | undefined): Place | undefined {
    const found = known?.internalProperties?.find(({ name }) => name === "[[FunctionLocation]]")?.value?.value as
      | { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number }
      | undefined
    const file = found && this.files.get(found.scriptId)
    if (found === undefined || file === undefined || file === "") return undefined
    const place = { file: pathOf(file), line: found.lineNumber + 1, column: found.columnNumber + 1, within: "" }
    return ownerOf(place) !== "effect" ? inSource(file, place) : place
  }

  /** The functions in the scopes around it, up to those of its module. */
  private closedOver(
    known: Runtime.GetPropertiesReturnType | undefined
  ): ReadonlyArray<Runtime.GetPropertiesReturnType | undefined> {
    const scopes = known?.internalProperties?.find(({ name }) => name === "[[Scopes]]")?.value?.objectId
    const inner = (this.properties(scopes)?.result ?? []).filter(({ value }) =>
      /^(?:Closure|Block|Local)/.test(value?.description ?? "")
    )
    return inner
      .flatMap(({ value }) => this.properties(value?.objectId)?.result ?? [])
      .flatMap(({ value }) => (value?.type === "function" ? [this.properties(value.objectId)] : []))
  }
}

const connected = (): Session | undefined => {
  const inspector = host("node:inspector")
  if (inspector === undefined) return undefined
  const session = new inspector.Session()
  // oxlint-disable-next-line repository/effect-only -- runtimes that only pretend to have an inspector throw
  try {
    session.connect()
    return session
  } catch {
    return undefined
  }
}

/** The place in the source of one in the script that runs. */
const inSource = (url: string, place: Place): Place => {
  if (Error.prepareStackTrace !== undefined) {
    // Loaders know a script by its path or by its address.
    for (const file of new Set([place.file, url])) {
      const stack: unknown = Error.prepareStackTrace(new Error("place"), [callSite(file, place)])
      const mapped = typeof stack === "string" ? placesOf(stack)[0] : undefined
      if (mapped !== undefined && (mapped.line !== place.line || mapped.column !== place.column)) return mapped
    }
    return place
  }
  const origin = host("node:module")?.findSourceMap(url)?.findOrigin(place.line, place.column)
  if (origin === undefined || !("lineNumber" in origin)) return place
  return { file: pathOf(origin.fileName), line: origin.lineNumber, column: origin.columnNumber, within: "" }
}

const none = (): undefined => undefined
const no = (): boolean => false

/** A frame that never was, for those who map frames to sources; they look for its methods in its prototype. */
const callSite = (file: string, { line, column }: Place): NodeJS.CallSite =>
  Object.create({
    getFileName: () => file,
    getScriptNameOrSourceURL: () => file,
    getLineNumber: () => line,
    getColumnNumber: () => column,
    getFunctionName: none,
    getMethodName: none,
    getTypeName: none,
    getEvalOrigin: none,
    getThis: none,
    getFunction: none,
    getPromiseIndex: none,
    isNative: no,
    isToplevel: no,
    isEval: no,
    isConstructor: no,
    isAsync: no,
    isPromiseAll: no,
    toString: () => `${file}:${line}:${column}`
  })

const top = /^(?:export )?(?:abstract )?(?:const|function\*?|class) (\w+)/
const member = /^ {2}(?:(?:override|protected|private|readonly|get) )*(\w+)(?:<.*>)?(?: = )?\(/

/** What is declared around a line of formatted source. */
const enclosing = ({ file, line }: Place): string | undefined => {
  const source = sourceOf(file)
  let method: string | undefined
  for (let index = line - 1; index >= 0; index--) {
    const text = source[index] ?? ""
    method ??= member.exec(text)?.[1]
    const name = top.exec(text)?.[1]?.replaceAll(/^_|_$/g, "")
    if (name !== undefined) return /class /.test(text) ? method : name
  }
  return undefined
}
