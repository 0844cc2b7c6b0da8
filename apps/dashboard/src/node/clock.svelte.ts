/** The browser's time, in unix seconds, for ages that count up while the page is looked at. */
class PageClock {
  nowSec = $state(Math.floor(Date.now() / 1000))

  /** @returns how to stop it */
  start(): () => void {
    const timer = setInterval(() => {
      this.nowSec = Math.floor(Date.now() / 1000)
    }, 1000)
    return () => clearInterval(timer)
  }
}

export const pageClock = new PageClock()
