# Compiler settings shared by every target.
add_library(meterstream_options INTERFACE)
target_compile_options(meterstream_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers -ffp-contract=off -fno-omit-frame-pointer)
target_include_directories(meterstream_options INTERFACE ${CMAKE_SOURCE_DIR}/src)

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND METERSTREAM_MARCH)
  # Every processor of this level has carry-less multiplication; the level's list lacks it, and JSON parsing needs it.
  target_compile_options(meterstream_options INTERFACE -march=${METERSTREAM_MARCH} -mpclmul -mtune=generic)
endif()
# __int128 is used for exact sums; would reject it.
target_compile_options(meterstream_options INTERFACE -Wno-pedantic)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 inside the standard library at -O2 and -O3.
  target_compile_options(meterstream_options INTERFACE
    -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread
    -Wno-dangling-pointer)
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Tests without branches are written with '|' on purpose; std::stable_sort of libstdc++ 12 uses a deprecated function;
  # a volatile sink is set and never read. g++, which builds the product, judges all of these itself.
  target_compile_options(meterstream_options INTERFACE
    -Wno-bitwise-instead-of-logical -Wno-deprecated-declarations -Wno-unused-but-set-variable)
endif()

if(METERSTREAM_SANITIZE)
  target_compile_options(meterstream_options INTERFACE -fsanitize=${METERSTREAM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(meterstream_options INTERFACE -fsanitize=${METERSTREAM_SANITIZE})
  if(METERSTREAM_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It does not know the fences of Asio; what they order is behind locks, too.
    target_compile_options(meterstream_options INTERFACE -Wno-tsan)
  endif()
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(meterstream_options INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
