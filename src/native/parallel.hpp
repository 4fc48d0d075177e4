// Runs a kernel on worker threads while the calling thread listens for Ctrl-C and reports progress.
//
// Contract: `work(worker)` runs once for every worker number in [0, threads). Workers look at `control.stopped()` now
// and then and return early when it is true. An exception in a worker stops the others and is thrown again in the
// caller, the one of the lowest worker number if there are several. The calling thread calls `control.poll` every 50
// ms; where that returns false the workers are stopped and Interrupted is thrown.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace tokencraft {

// Thrown in the calling thread after `poll` asked to stop.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};

class Control {
public:
    // `poll` gets the amount of work done so far, in the kernel's own unit; null: nobody listens.
    explicit Control(std::function<bool(std::int64_t)> poll = {}) : poll_(std::move(poll)) {}

    bool stopped() const { return stop_.load(std::memory_order_relaxed); }
    void stop() { stop_.store(true, std::memory_order_relaxed); }
    void advance(std::int64_t amount) { done_.fetch_add(amount, std::memory_order_relaxed); }
    bool poll() const { return !poll_ || poll_(done_.load(std::memory_order_relaxed)); }

private:
    std::function<bool(std::int64_t)> poll_;
    std::atomic<bool> stop_{false};
    std::atomic<std::int64_t> done_{0};
};

void run_workers(unsigned threads, Control& control, const std::function<void(unsigned worker)>& work);

// Calls `item(worker, index)` for every index in [0, count); idle workers take the next index, so the order of the
// calls and which worker makes them is not fixed.
void run_items(unsigned threads, Control& control, std::size_t count,
               const std::function<void(unsigned worker, std::size_t index)>& item);

// The given number of threads, or the number of cores of this machine for 0.
unsigned resolve_threads(unsigned threads);

}  // namespace tokencraft
