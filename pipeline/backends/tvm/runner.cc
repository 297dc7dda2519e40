/*
 * Runs a compiled network on Linux: raw int8 images in, raw int8 class codes out, optionally timed.
 *
 *   runner MODEL.so HEIGHT WIDTH CHANNELS CLASSES IMAGES.bin CODES.bin [WARM_UP REPEATS]
 *
 * IMAGES.bin holds any number of images, height x width x channels, one after the other; CODES.bin gets as many times
 * CLASSES codes. With REPEATS the images are then run in turn that often, after WARM_UP runs, and every time is printed
 * in milliseconds, one a line. Exit status 2 and one line on standard error for anything that is wrong.
 */
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ffi = tvm::ffi;

namespace {

constexpr std::int64_t kLargestExtent = 1 << 16;

/* Generated code loads whole vectors from 64-byte boundaries. */
struct AlignedMemory {
    void AllocData(DLTensor *tensor)
    {
        const std::size_t size = (ffi::GetDataSize(*tensor) + 63) / 64 * 64;
        tensor->data = std::aligned_alloc(64, size);
        if (tensor->data == nullptr) {
            throw std::runtime_error("not enough memory");
        }
    }
    void FreeData(DLTensor *tensor)
    {
        std::free(tensor->data);
    }
};

std::int64_t number(const char *text, std::int64_t largest)
{
    char *end = nullptr;
    const long long value = std::strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < 0 || value > largest) {
        throw std::runtime_error(std::string(text) + ": not a number from 0 to " + std::to_string(largest));
    }
    return value;
}

std::vector<char> read_file(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file.good() && !file.eof()) {
        throw std::runtime_error(path + ": cannot be read");
    }
    return bytes;
}

void write_file(const std::string &path, const std::vector<char> &bytes)
{
    std::ofstream file(path, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
        throw std::runtime_error(path + ": cannot be written");
    }
}

void run(int count, char **arguments)
{
    if (count != 8 && count != 10) {
        throw std::runtime_error(
            "usage: runner MODEL.so HEIGHT WIDTH CHANNELS CLASSES IMAGES.bin CODES.bin [WARM_UP REPEATS]");
    }
    const std::int64_t height = number(arguments[2], kLargestExtent);
    const std::int64_t width = number(arguments[3], kLargestExtent);
    const std::int64_t channels = number(arguments[4], kLargestExtent);
    const std::int64_t classes = number(arguments[5], kLargestExtent);
    const std::vector<char> images = read_file(arguments[6]);
    const std::size_t size = static_cast<std::size_t>(height * width * channels);
    if (size == 0 || images.empty() || images.size() % size != 0) {
        throw std::runtime_error(std::string(arguments[6]) + ": its length is no multiple of an image's " +
                                 std::to_string(size) + " bytes");
    }

    const ffi::Module library = ffi::Module::LoadFromFile(arguments[1]);
    const ffi::Module machine = (*library->GetFunction("vm_load_executable"))().cast<ffi::Module>();
    constexpr int kPooledAllocator = 2;
    (*machine->GetFunction("vm_initialization"))(static_cast<int>(kDLCPU), 0, kPooledAllocator);
    const ffi::Function network = *machine->GetFunction("main");

    ffi::Tensor input = ffi::Tensor::FromNDAlloc(
        AlignedMemory(), ffi::Shape({1, height, width, channels}), DLDataType{kDLInt, 8, 1}, DLDevice{kDLCPU, 0});
    const auto infer = [&](std::size_t image) {
        std::memcpy(input.data_ptr(), images.data() + image * size, size);
        return network(input).cast<ffi::Tensor>();
    };

    const std::size_t samples = images.size() / size;
    std::vector<char> codes;
    for (std::size_t image = 0; image < samples; ++image) {
        const ffi::Tensor output = infer(image);
        if (ffi::GetDataSize(*output.GetDLTensorPtr()) != static_cast<std::size_t>(classes)) {
            throw std::runtime_error("the model has another number of classes than stated");
        }
        const char *first = static_cast<const char *>(output.data_ptr());
        codes.insert(codes.end(), first, first + classes);
    }
    write_file(arguments[7], codes);

    if (count == 10) {
        const std::int64_t warm_up = number(arguments[8], 1000000);
        const std::int64_t repeats = number(arguments[9], 1000000);
        for (std::int64_t i = 0; i < warm_up + repeats; ++i) {
            const auto start = std::chrono::steady_clock::now();
            infer(static_cast<std::size_t>(i) % samples);
            const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
            if (i >= warm_up) {
                std::printf("%.6f\n", taken.count());
            }
        }
    }
}

} // namespace

int main(int count, char **arguments)
{
    int status = 0;
    try {
        run(count, arguments);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        status = 2;
    }
    std::fflush(nullptr);
    /* The runtime's own clean-up at exit meets libraries that are already unloaded. */
    std::_Exit(status);
}
