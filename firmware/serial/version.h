/* The firmware's version: the project's, which a test compares with pyproject.toml. */
#ifndef SIXFOLD_VERSION_H
#define SIXFOLD_VERSION_H

#define SIXFOLD_VERSION "0.1.0"

#endif
