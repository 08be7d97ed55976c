/**
 * A strict reader of the text format that Prometheus scrapes (version 0.0.4): it
 * throws at the first line that is not as the format says, and checks what holds
 * of a whole family, such as that the buckets of a histogram only rise.
 */
interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

export const read = (text: string): ReadonlyMap<string, Family> => {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, Family & { readonly samples: Array<Sample> }>()
  const seen = new Set<string>()
  let help: readonly [string, string] | undefined
  let current: (Family & { readonly samples: Array<Sample> }) | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`)
    }
    const helped = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\n]|\\\\|\\n)*)$/.exec(line)
    const typed = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (helped !== null) {
      if (help !== undefined) fail("two lines of help")
      help = [helped[1]!, helped[2]!]
    } else if (typed !== null) {
      const [, name, type] = typed as unknown as [string, string, string]
      if (families.has(name)) fail("a family stands in two places")
      if (help?.[0] !== name) fail("no help before the type")
      families.set(name, (current = { name, type, help: help![1], samples: [] }))
      help = undefined
    } else {
      const sample = sampleOf(line) ?? fail("not a line of the format")
      const family = current ?? fail("a sample before any type")
      const series = `${sample.name} ${keyOf(sample.labels)}`
      if (seen.has(series)) fail("a series stands there twice")
      seen.add(series)
      const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]
      if (!suffixes.some((suffix) => sample.name === family.name + suffix)) fail(`not of the family ${family.name}`)
      if (family.type === "counter" && (!family.name.endsWith("_total") || !(sample.value >= 0))) fail("no counter")
      family.samples.push(sample)
    }
  }
  for (const family of families.values()) if (family.type === "histogram") checkHistogram(family)
  return families
}

/** The value of the only series with these labels, and no others. */
export const valueOf = (
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): number | undefined => {
  const wanted = keyOf(labels)
  const family = Array.from(read(text).values()).find(({ samples }) => samples.some((sample) => sample.name === name))
  return family?.samples.find((sample) => sample.name === name && keyOf(sample.labels) === wanted)?.value
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(
    Object.keys(labels)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((label) => [label, labels[label]])
  )

const sampleOf = (line: string): Sample | undefined => {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line)
  if (match === null) return undefined
  const labels: Record<string, string> = {}
  let rest = match[2] ?? ""
  while (rest !== "") {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,(?=.)|$)/.exec(rest)
    if (label === null) return undefined
    const [, name, value] = label as unknown as [string, string, string]
    if (name in labels) return undefined
    labels[name] = value.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character))
    rest = rest.slice(label[0].length)
  }
  return { name: match[1]!, labels, value: Number(match[3]!.replace("Inf", "Infinity")) }
}

const checkHistogram = ({ name, samples }: Family): void => {
  const series = new Map<string, { buckets: Array<readonly [number, number]>; sum?: number; count?: number }>()
  for (const {
    labels: { le, ...labels },
    name: sampled,
    value
  } of samples) {
    const key = keyOf(labels)
    const one = series.get(key) ?? { buckets: [] }
    series.set(key, one)
    if (sampled.endsWith("_bucket")) one.buckets.push([Number(le!.replace("Inf", "Infinity")), value])
    else if (sampled.endsWith("_sum")) one.sum = value
    else one.count = value
  }
  for (const [key, { buckets, count, sum }] of series) {
    const fail = (why: string): never => {
      throw new Error(`${name} ${key}: ${why}`)
    }
    if (sum === undefined || count === undefined) fail("no sum or no count")
    buckets.forEach(([limit, value], index) => {
      const [before, less] = buckets[index - 1] ?? [-Infinity, 0]
      if (!(limit > before) || !(value >= less)) fail(`the bucket of ${limit} is not above the one before`)
    })
    const [last, all] = buckets.at(-1) ?? fail("no bucket")
    if (last !== Infinity || all !== count) fail("the last bucket is not that of +Inf with all")
  }
}
