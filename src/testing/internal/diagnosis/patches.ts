/** Changes to objects of others that are taken back together, the last first, also if what runs between them throws. */
export class Patches {
  private readonly restore: Array<() => void> = []

  /** Puts a property in place of another, or of none. */
  define(target: object, key: PropertyKey, property: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(target, key)
    if (before !== undefined && before.configurable !== true) return
    Object.defineProperty(target, key, { ...property, configurable: true })
    this.restore.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, key)
      else Object.defineProperty(target, key, before)
    })
  }

  /** Puts a function in place of another; without one there, nothing happens. */
  replace(target: object, key: PropertyKey, make: (original: Function) => Function): void {
    const before = Object.getOwnPropertyDescriptor(target, key)
    if (typeof before?.value !== "function") return
    this.define(target, key, { value: make(before.value), writable: true, enumerable: before.enumerable === true })
  }

  during<A>(run: () => A): A {
    // oxlint-disable-next-line repository/effect-only -- no effect can take back what all effects run on
    try {
      return run()
    } finally {
      for (const undo of this.restore.splice(0).toReversed()) undo()
    }
  }
}
