#include "parallel.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tokencraft {

void run_workers(unsigned threads, Control& control, const std::function<void(unsigned)>& work) {
    std::mutex mutex;
    std::condition_variable finished;
    unsigned running = 0;
    std::vector<std::exception_ptr> errors(threads);
    std::vector<std::thread> pool;

    auto guarded = [&](unsigned worker) {
        try {
            work(worker);
        } catch (...) {
            errors[worker] = std::current_exception();
            control.stop();
        }
    };
    bool interrupted = false;
    auto join = [&] {
        for (auto& thread : pool) thread.join();
    };
    try {
        pool.reserve(threads);
        for (unsigned worker = 0; worker < threads; ++worker) {
            {
                std::lock_guard lock(mutex);
                ++running;
            }
            pool.emplace_back([&, worker] {
                guarded(worker);
                std::lock_guard lock(mutex);
                --running;
                finished.notify_one();
            });
        }
        std::unique_lock lock(mutex);
        while (!finished.wait_for(lock, std::chrono::milliseconds(50), [&] { return running == 0; })) {
            lock.unlock();
            if (!interrupted && !control.poll()) {
                interrupted = true;
                control.stop();
            }
            lock.lock();
        }
    } catch (...) {  // no thread could be started, or the listener threw
        control.stop();
        join();
        throw;
    }
    join();
    for (const auto& error : errors) {
        if (error) std::rethrow_exception(error);
    }
    if (interrupted) throw Interrupted();
}

void run_items(unsigned threads, Control& control, std::size_t count,
               const std::function<void(unsigned, std::size_t)>& item) {
    std::atomic<std::size_t> next{0};
    const auto useful = static_cast<unsigned>(std::min<std::size_t>(threads, std::max<std::size_t>(count, 1)));
    run_workers(useful, control, [&](unsigned worker) {
        for (;;) {
            const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
            if (index >= count || control.stopped()) return;
            item(worker, index);
        }
    });
}

unsigned resolve_threads(unsigned threads) {
    return threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace tokencraft
